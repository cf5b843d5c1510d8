"""Pictures on their way to Azure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from azure.cognitiveservices.vision.customvision.training import models
from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import User
from azurecv.training import answers
from azurecv.training.answers import Received
from azurecv.training.calls import Calls
from training.models import Project, Tag
from training.services import intake
from training.services.intake import Candidate
from training.services.tagging import Pair, tag_here
from training.uploads import ImageStatus, UploadResult

UPLOAD_TIMEOUT_S = 120.0


def send(calls: Calls, project: Project, candidates: Sequence[Candidate], *, by: User | None) -> list[UploadResult]:
    """Send pictures whose tags Azure knows, and add here what it took; return what became of each, in their order."""
    if not candidates:
        return []
    # The files' own names stay here.
    named = {f"image {place:02}": candidate for place, candidate in enumerate(candidates)}
    received = _send(calls, project, named)
    return [_add_here(project, candidate, received.get(name), by=by) for name, candidate in named.items()]


def _send(calls: Calls, project: Project, named: Mapping[str, Candidate]) -> dict[str, Received]:
    """Send pictures in one request; return what became of each, by the name that it was sent under."""
    entries = [
        models.ImageFileCreateEntry(
            name=name,
            contents=bytearray(candidate.picture.content),
            tag_ids=[str(tag.remote_id) for tag in _tags_to_send(project, candidate)],
        )
        for name, candidate in named.items()
    ]
    timeout_s = max(UPLOAD_TIMEOUT_S, settings.CLASSIFR_CUSTOMVISION_TIMEOUT_SECONDS)
    batch = models.ImageFileCreateBatch(images=entries)
    return calls.ask(answers.read_received, "create_images_from_files", project, batch, timeout=timeout_s)


def _tags_to_send(project: Project, candidate: Candidate) -> Collection[Tag]:
    """Return the upload's tags; those that the image has if it may have no others, as Azure would add to them."""
    image = project.images.filter(picture__sha256=candidate.picture.sha256).first()
    present = list(image.tags.all()) if image else []
    is_settled = present and (
        not project.is_multilabel or any(tag.is_negative for tag in [*present, *candidate.upload.tags])
    )
    return [tag for tag in present if tag.remote_id] if is_settled else candidate.upload.tags


def _add_here(project: Project, candidate: Candidate, received: Received | None, *, by: User | None) -> UploadResult:
    """Add as an image what Azure took."""
    status, remote_id = received or Received("", None)
    if status not in {ImageStatus.OK, ImageStatus.OK_DUPLICATE} or remote_id is None:
        return _refused(candidate.upload.name, status)
    twin = project.images.filter(remote_id=remote_id).exclude(picture__sha256=candidate.picture.sha256).first()
    if twin:  # another file that Azure holds for the same image
        tagging = tag_here(project, [Pair(twin, tag) for tag in candidate.upload.tags])
        left_out = tuple(pair.tag for pair in tagging.exceeded)
        return UploadResult(candidate.upload.name, ImageStatus.OK_DUPLICATE, twin, left_out=left_out)
    result = intake.add_image(project, candidate, by=by, remote_id=remote_id)
    if result.image and result.image.remote_id != remote_id:
        result.image.remote_id = remote_id
        result.image.save(update_fields=["remote_id"])
    if status == ImageStatus.OK_DUPLICATE and result.status.is_ok:
        return replace(result, status=ImageStatus.OK_DUPLICATE)
    return result


def _refused(name: str, status: str) -> UploadResult:
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
