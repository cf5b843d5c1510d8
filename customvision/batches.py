"""Pictures that programs add to a project: one entry, one answer, whatever becomes of the others."""

import binascii
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from customvision.errors import ApiError
from customvision.fields import at_most, naive, reply
from customvision.listings import read_images
from customvision.lookups import key_of
from customvision.metadata import check_metadata
from customvision.schemas.images import ImageCreateResult, ImageCreateSummary, ImageOut, ImageTagOut
from engine import images
from training.models import Image, ImageTag, Project, Tag
from training.services.images import upload_images
from training.services.intake import MOST_PAIRS
from training.uploads import BATCH, TAGS_A_BATCH, ImageStatus, ImageUpload, UploadResult


@dataclass(frozen=True)
class Entry:
    """One picture of a batch."""

    source: str | None
    """What the answer calls it: the name of the file, the address, the id of the prediction."""
    content: bytes | ImageStatus
    """Or why there is none."""
    tag_ids: tuple[str, ...] = ()
    """As they were sent."""
    name: str = ""
    """By which the image is to be known."""
    origin: Image.Source = Image.Source.UPLOAD


def decoded(contents: bytes | str | None) -> bytes | ImageStatus:
    """Return an entry's picture. contents: a text where the parser could not read it as base64."""
    if not isinstance(contents, str):
        return contents or b""
    if len(contents) > 2 * images.TRAINING.max_bytes:  # in base64, with all its line ends
        return ImageStatus.ERROR_IMAGE_SIZE
    try:
        return binascii.a2b_base64(contents.encode().translate(None, string.whitespace.encode()), strict_mode=True)
    except binascii.Error:
        return ImageStatus.ERROR_IMAGE_FORMAT


def check_batch(count: int, tag_ids: Sequence[str], metadata: Mapping[str, str]) -> None:
    """Raise ApiError for a batch that is refused whole. tag_ids: those of all its images, each as often as sent."""
    if not count:
        raise ApiError("BadRequestImageBatch", f"The batch has no images; 1 to {BATCH} are accepted.")
    at_most(BATCH, range(count), "images")
    at_most(TAGS_A_BATCH, {tag_id.lower() for tag_id in tag_ids}, "tagIds, in all images together,")
    at_most(MOST_PAIRS, metadata, "metadata")
    check_metadata(metadata)


class Adding:
    """Adds the pictures of one request, at once or in parts, and then answers."""

    def __init__(self, request: HttpRequest, project: Project, *, metadata: Mapping[str, str] | None = None) -> None:
        self._request, self._project = request, project
        self._metadata = metadata or {}
        self._entries: list[Entry] = []
        self._uploads: list[UploadResult] = []

    def add(self, entries: Sequence[Entry]) -> None:
        """Store or refuse each of these pictures by itself."""
        tags = self._tags(entries)
        batch = [self._upload(entry, [tags.get(tag_id.lower()) for tag_id in entry.tag_ids]) for entry in entries]
        self._entries += entries
        self._uploads += upload_images(project=self._project, batch=batch, by=key_of(self._request).owner)

    def answer(self) -> HttpResponse:
        """Answer with what became of each, in their order: 200 if all are new images, else 207."""
        is_successful = all(result.status == ImageStatus.OK for result in self.results)
        summary = ImageCreateSummary(is_batch_successful=is_successful, images=self.results)
        return reply(summary, status=200 if is_successful else 207)

    @cached_property
    def results(self) -> list[ImageCreateResult]:
        """What became of each, as it is answered; read once all are added."""
        there = [upload.image.pk for upload in self._uploads if upload.image and upload.status != ImageStatus.OK]
        images = read_images(there)
        pairs = zip(self._entries, self._uploads, strict=True)
        return [self._result_out(entry, upload, images) for entry, upload in pairs]

    def _tags(self, entries: Sequence[Entry]) -> dict[str, Tag]:
        texts = {text.lower() for entry in entries for text in entry.tag_ids}
        uids = {text: uid for text in texts if (uid := uid_of(text))}
        tags = {tag.uid: tag for tag in self._project.tags.filter(uid__in=uids.values())} if uids else {}
        return {text: tags[uid] for text, uid in uids.items() if uid in tags}

    def _upload(self, entry: Entry, tags: Sequence[Tag | None]) -> ImageUpload | UploadResult:
        known = tuple(dict.fromkeys(tag for tag in tags if tag))
        if isinstance(entry.content, ImageStatus):
            return UploadResult(entry.name, entry.content)
        if None in tags:
            return UploadResult(entry.name, ImageStatus.ERROR_INVALID_TAG)
        name = "".join(character for character in entry.name if character.isprintable())
        return ImageUpload(name, entry.content, known, source=entry.origin, metadata=self._metadata)

    def _result_out(self, entry: Entry, upload: UploadResult, there: Mapping[int, Image]) -> ImageCreateResult:
        """there: the images that were in the project already, or came twice, by their keys."""
        status, image_out = upload.status, None
        image = there.get(upload.image.pk) if upload.image else None
        if upload.image and status == ImageStatus.OK and image is None:
            image_out = self._image_out(upload.image, upload.image_tags)
        elif status.is_ok:
            status = self._status(upload, image) if image else ImageStatus.ERROR_UNKNOWN  # deleted meanwhile
            image_out = self._image_out(image, image.image_tags.all()) if image and status.is_ok else None
        return ImageCreateResult(source_url=entry.source, status=status.value, image=image_out)

    def _status(self, upload: UploadResult, image: Image) -> ImageStatus:
        """Return the status; an error for a picture that was there already and cannot have the tags beside its own."""
        left_out = upload.left_out
        if not left_out:
            return upload.status
        present = [known.tag for known in image.image_tags.all()]
        if any(tag.is_negative for tag in [*present, *left_out]):
            return ImageStatus.ERROR_NEGATIVE_AND_REGULAR_TAG
        return ImageStatus.ERROR_TAG_LIMIT_EXCEED

    def _image_out(self, image: Image, image_tags: Iterable[ImageTag]) -> ImageOut:
        """Return the image as answers to uploads have it, without the tags' names."""
        tags = [
            ImageTagOut(tag_id=known.tag.uid, tag_name=None, created=naive(known.created_at)) for known in image_tags
        ]
        return ImageOut.of(image, tags, self._request, self._project.uid)


def uid_of(text: str) -> UUID | None:
    """Return the id, or None for a text that is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
