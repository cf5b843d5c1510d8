"""Pictures on their way to Azure."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from azure.cognitiveservices.vision.customvision.training import models
from django.conf import settings
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from accounts.models import User
from azurecv.training import answers
from azurecv.training.answers import Received
from azurecv.training.calls import Calls
from catalog.refusals import refusal_sentence
from engine import images
from engine.exceptions import RefusedPicture
from training import keeping
from training.models import Project, Tag
from training.uploads import ImageStatus, ImageUpload, UploadResult

UPLOAD_TIMEOUT_S = 120.0
MOST_UPLOAD_BYTES = 50_000_000  # of one request; Azure gives up at some 55 MB

Uploads = dict[int, ImageUpload]
"""By their place in the batch."""
Results = dict[int, UploadResult]


@dataclass(frozen=True)
class _Entry:
    """One picture on its way to Azure."""

    index: int
    """Its place in the batch."""
    upload: ImageUpload
    content: bytes
    """Without metadata."""

    @property
    def name(self) -> str:
        """What the answer calls it; the file's own name stays here."""
        return f"image {self.index:02}"

    @property
    def byte_size(self) -> int:
        """In the request: as base64, with its name and tags."""
        return len(self.content) * 4 // 3 + 1000

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def send(calls: Calls, project: Project, uploads: Uploads, *, by: User | None) -> Results:
    """Send pictures whose tags Azure knows, and keep here what it took."""
    results: Results = {}
    for part in _parts(_bare(uploads, results)):
        received = _send_part(calls, project, part)
        for entry in part:
            results[entry.index] = _kept(project, entry, received.get(entry.name), by=by)
    return results


def _bare(uploads: Uploads, results: Results) -> Iterator[_Entry]:
    """Yield the pictures free of their metadata; those that cannot be freed of it go to the results."""
    for index, upload in uploads.items():
        try:
            yield _Entry(index, upload, images.strip_metadata(upload.content))
        except RefusedPicture as exc:
            detail = refusal_sentence(exc)
            results[index] = UploadResult(upload.name, ImageStatus.ERROR_IMAGE_FORMAT, detail=detail)


def _parts(entries: Iterable[_Entry]) -> Iterator[list[_Entry]]:
    """Yield the pictures in requests that Azure takes."""
    part: list[_Entry] = []
    for entry in entries:
        if part and sum(each.byte_size for each in [*part, entry]) > MOST_UPLOAD_BYTES:
            yield part
            part = []
        part.append(entry)
    if part:
        yield part


def _send_part(calls: Calls, project: Project, part: Sequence[_Entry]) -> dict[str, Received]:
    """Send pictures in one request; return what became of each, by the name that it was sent under."""
    entries = [
        models.ImageFileCreateEntry(
            name=entry.name,
            contents=bytearray(entry.content),
            tag_ids=[str(tag.remote_id) for tag in _tags_to_send(project, entry)],
        )
        for entry in part
    ]
    timeout_s = max(UPLOAD_TIMEOUT_S, settings.CLASSIFR_CUSTOMVISION_TIMEOUT_SECONDS)
    batch = models.ImageFileCreateBatch(images=entries)
    return calls.ask(answers.read_received, "create_images_from_files", project, batch, timeout=timeout_s)


def _tags_to_send(project: Project, entry: _Entry) -> Collection[Tag]:
    """Return the upload's tags; those that the image has if it may have no others, as Azure would add to them."""
    there = project.images.filter(picture__sha256=entry.sha256).first()
    present = list(there.tags.all()) if there else []
    is_settled = present and (
        not project.is_multilabel or any(tag.is_negative for tag in [*present, *entry.upload.tags])
    )
    return [tag for tag in present if tag.remote_id] if is_settled else entry.upload.tags


def _kept(project: Project, entry: _Entry, received: Received | None, *, by: User | None) -> UploadResult:
    """Keep here what Azure took."""
    status, remote_id = received or ("", None)
    if status not in {ImageStatus.OK, ImageStatus.OK_DUPLICATE} or remote_id is None:
        return _not_kept(entry.upload.name, status)
    twin = project.images.filter(remote_id=remote_id).exclude(picture__sha256=entry.sha256).first()
    if twin:  # another file that Azure holds for the same image
        keeping.add_tags(twin, entry.upload.tags)
        return UploadResult(entry.upload.name, ImageStatus.OK_DUPLICATE, twin)
    result = keeping.keep_image(project, entry.upload, by=by, remote_id=remote_id)
    if result.image and result.image.remote_id != remote_id:
        result.image.remote_id = remote_id
        result.image.save(update_fields=["remote_id"])
    if status == ImageStatus.OK_DUPLICATE and result.status.is_ok:
        return replace(result, status=ImageStatus.OK_DUPLICATE)
    return result


def _not_kept(name: str, status: str) -> UploadResult:
    if status not in set(ImageStatus) or ImageStatus(status).is_ok:
        detail = _("Azure Custom Vision does not say what became of it; send it again.")
        return UploadResult(name, ImageStatus.ERROR_UNKNOWN, detail=detail)
    why = _WHY.get(ImageStatus(status), lambda: status)()
    detail = _("Azure Custom Vision does not take it: %(why)s.") % {"why": why}
    return UploadResult(name, ImageStatus(status), detail=detail)


_WHY: dict[ImageStatus, Callable[[], str]] = {
    ImageStatus.ERROR_IMAGE_FORMAT: lambda: _("it cannot read it as a picture"),
    ImageStatus.ERROR_IMAGE_SIZE: lambda: _("the file is too large"),
    ImageStatus.ERROR_IMAGE_DIMENSIONS: lambda: _("its sides are too long or too unequal"),
    ImageStatus.ERROR_STORAGE: lambda: _("it could not store it, try again"),
    ImageStatus.ERROR_LIMIT_EXCEED: lambda: _("the project is full"),
    ImageStatus.ERROR_TAG_LIMIT_EXCEED: lambda: _("it has too many tags"),
    ImageStatus.ERROR_INVALID_TAG: lambda: _("a tag is not known there, synchronise the project"),
    ImageStatus.ERROR_NEGATIVE_AND_REGULAR_TAG: lambda: _("a negative tag excludes every other tag"),
    ImageStatus.ERROR_UNKNOWN: lambda: _("it does not say why"),
}
