"""Pictures that are added to a project, and what becomes of each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from uuid import UUID

from training.models import Image, ImageTag, Tag

BATCH = 64
"""Most images of one upload, as in Custom Vision."""
TAGS_A_BATCH = 20
"""Most different tags of one upload."""


class ImageStatus(StrEnum):
    """What became of an uploaded image, in Custom Vision's words."""

    OK = "OK"
    OK_DUPLICATE = "OKDuplicate"
    """The project has the same picture already; the tags were added to it where it may have them."""
    ERROR_SOURCE = "ErrorSource"
    ERROR_IMAGE_FORMAT = "ErrorImageFormat"
    ERROR_IMAGE_SIZE = "ErrorImageSize"
    ERROR_IMAGE_DIMENSIONS = "ErrorImageDimensions"
    ERROR_STORAGE = "ErrorStorage"
    ERROR_LIMIT_EXCEED = "ErrorLimitExceed"
    ERROR_TAG_LIMIT_EXCEED = "ErrorTagLimitExceed"
    ERROR_NEGATIVE_AND_REGULAR_TAG = "ErrorNegativeAndRegularTagOnSameImage"
    ERROR_INVALID_TAG = "ErrorInvalidTag"
    ERROR_UNKNOWN = "ErrorUnknown"

    @property
    def is_ok(self) -> bool:
        return self in {ImageStatus.OK, ImageStatus.OK_DUPLICATE}


@dataclass(frozen=True)
class ImageUpload:
    """A picture to be added to a project."""

    name: str
    """Of the file."""
    content: bytes
    tags: tuple[Tag, ...] = ()
    held_out: bool = False
    """Whether it is for measuring only."""
    source: Image.Source = Image.Source.UPLOAD
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Pairs of text to be put on it; those of a picture that is there already are added to its own."""
    uid: UUID | None = None
    """The id by which programs know it already; None: a new one."""

    @cached_property
    def sha256(self) -> str:
        """Of the bytes as they are sent."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class UploadResult:
    """What became of one picture of a batch."""

    name: str
    status: ImageStatus
    image: Image | None = None
    """None where it was refused."""
    detail: str = ""
    """Why it was refused: a sentence, where there is more to say than the status."""
    image_tags: tuple[ImageTag, ...] = ()
    """With the status OK: those with which the new image was made."""
    left_out: tuple[Tag, ...] = ()
    """Tags that an image which was there already may not have beside its own."""
    is_not_held_out: bool = False
    """It was to be held out, and cannot: training has learned from it already."""


def fill_in(batch: Iterable[object], results: Iterable[UploadResult]) -> tuple[UploadResult, ...]:
    """Return the results that stand in a batch and, in the places of all else, these others, in their order."""
    others = iter(results)
    return tuple(each if isinstance(each, UploadResult) else next(others) for each in batch)
