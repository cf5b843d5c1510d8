"""What a training backend is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

from accounts.models import User
from engine.metrics import Score
from jobs.progress import Progress
from training.models import Image, ImageTag, Iteration, Project, Tag

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
class Capabilities:
    """What a backend can do beyond what every one can."""

    measures_itself: bool = False
    """Its measures are the service's own, made on pictures that it chose; there is no snapshot to look into."""
    needs_vectors: bool = False
    """Pictures are to be embedded here before it trains."""
    can_export: bool = False
    advanced_training: bool = False
    """It takes a training type and a budget of hours."""
    changes_elsewhere: bool = False
    """Others may change tags and iterations behind our back: `sync` is worth calling."""


@dataclass(frozen=True)
class Domain:
    """What a project may be about; decides what its training starts from."""

    id: str
    """The service's own id; for the local engine the backbone's name."""
    name: str
    """As `Project.domain` holds it."""
    can_export: bool


@dataclass(frozen=True)
class ImageUpload:
    """A picture to be added to a project."""

    name: str
    """Of the file; answers come under the same name, in no promised order."""
    content: bytes
    tags: tuple[Tag, ...] = ()
    held_out: bool = False
    """Whether it is for measuring only."""
    source: Image.Source = Image.Source.UPLOAD
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Pairs of text to be put on it; those of a picture that is there already are added to its own."""
    uid: UUID | None = None
    """The id by which programs know it already; None: a new one."""


@dataclass(frozen=True)
class UploadResult:
    """What became of one picture of a batch."""

    name: str
    status: ImageStatus
    image: Image | None = None
    """None where it was refused."""
    detail: str = ""
    """A sentence where there is more to say than the status."""
    image_tags: tuple[ImageTag, ...] = ()
    """With the status OK: those with which the new image was made."""


@dataclass(frozen=True)
class TrainingOptions:
    """How a training is asked for."""

    tags: tuple[str, ...] = ()
    """Names of the only tags to train on; empty: all of them, which is what one nearly always wants."""
    force: bool = False
    """Train though nothing has changed."""
    advanced: bool = False
    reserved_hours: int = 0
    """Hours that an advanced training may cost at most."""
    seed: int = 0


@dataclass(frozen=True)
class TagPerformance:
    """One tag's figures."""

    tag: str
    score: Score
    pictures: int | None
    """How many pictures of that tag were measured on; None where the service does not say."""


@dataclass(frozen=True)
class Performance:
    """Figures of an iteration at one threshold."""

    threshold: float
    """0 to 1: a tag is said when its probability is at least that."""
    overall: Score
    per_tag: tuple[TagPerformance, ...]
    """In alphabetical order."""


@runtime_checkable
class TrainingBackend(Protocol):
    """Where a project's images are learned from. Made once in each process.

    The rows of Project, Tag, Image and Iteration are ours whatever the backend: services make and change them, and ask
    the backend to do its part. Everything may raise BackendUnavailable, BackendMisconfigured and Refused.
    """

    capabilities: Capabilities

    def domains(self) -> tuple[Domain, ...]:
        """Return what a project may be about."""

    def create_project(self, project: Project) -> None:
        """Make the counterpart of a project whose row is about to be committed; may set `remote_id`, unsaved."""

    def delete_project(self, project: Project) -> None:
        """Delete the counterpart, its images and its iterations; none of them is published."""

    def create_tags(self, tags: Sequence[Tag]) -> None:
        """Make the counterparts of rows about to be committed, all of one project; may set `remote_id`, unsaved."""

    def rename_tag(self, tag: Tag) -> None:
        """Give the counterpart the tag's new name, which is not saved yet."""

    def delete_tag(self, tag: Tag) -> None: ...

    def upload_images(
        self, project: Project, batch: Sequence[ImageUpload], *, by: User | None
    ) -> tuple[UploadResult, ...]:
        """Keep pictures with their tags, at most BATCH of them and TAGS_A_BATCH different tags.

        Each one is kept or refused by itself; one result for each. Safe to call again: what is there already is
        OKDuplicate.
        """

    def set_tags(self, image: Image, tags: Sequence[Tag]) -> None:
        """Let the counterpart of an image have exactly these tags; called before our rows are changed."""

    def delete_images(self, images: Sequence[Image]) -> None:
        """Delete the counterparts, at most BATCH; called before our rows are deleted."""

    def train(self, iteration: Iteration, *, options: TrainingOptions, progress: Progress) -> None:
        """Bring the iteration to its end and save it as Completed.

        Called in a job and safe to call again for the same iteration when the job's process died: what was begun is
        gone on with. Raises NothingChanged, TrainingFailed, StorageUnavailable, ModelFileError and JobStopped; then the
        caller marks the iteration.
        """

    def performance(self, iteration: Iteration, *, threshold: float) -> Performance:
        """Return the figures of a completed iteration."""

    def publish(self, iteration: Iteration, *, name: str) -> None:
        """Let the iteration answer under that name, which no other has any more; refuse it if it is not fit to."""

    def unpublish(self, iteration: Iteration) -> None:
        """Let the iteration no longer answer under its name."""

    def rename_iteration(self, iteration: Iteration) -> None:
        """Give the counterpart the iteration's new name, which is not saved yet."""

    def delete_iteration(self, iteration: Iteration) -> None: ...

    def sync(self, project: Project) -> str:
        """Bring our rows of tags and iterations in line with what others did to them; say in a sentence what did."""
