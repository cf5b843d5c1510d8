"""Pictures become images of a project: what trainers have in common."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from catalog.exceptions import StorageUnavailable
from catalog.models import Picture
from catalog.refusals import refusal_sentence
from catalog.services import store_pictures
from engine import images
from engine.exceptions import RefusalReason, RefusedPicture
from engine.images import AdmittedPicture
from engine.splitting import Part
from training.exceptions import Refused
from training.models import Contradiction, Image, Project, Tag
from training.services.tagging import Pair, Tagging, tag_here
from training.uploads import BATCH, TAGS_A_BATCH, ImageStatus, ImageUpload, UploadResult, fill_in

MOST_IMAGES = 100_000
"""Images of a project, as in Custom Vision."""
MOST_PAIRS = 10
"""Pairs of metadata of an image."""
_BYTES_TOGETHER = 16 * 1024 * 1024
"""Of the pictures that are added in one transaction."""
_STATUS = {
    RefusalReason.TOO_MANY_BYTES: ImageStatus.ERROR_IMAGE_SIZE,
    RefusalReason.TOO_MANY_PIXELS_ON_A_SIDE: ImageStatus.ERROR_IMAGE_DIMENSIONS,
    RefusalReason.TOO_ELONGATED: ImageStatus.ERROR_IMAGE_DIMENSIONS,
    RefusalReason.DECOMPRESSION_BOMB: ImageStatus.ERROR_IMAGE_DIMENSIONS,
}
"""The rest is ErrorImageFormat."""


def check_batch(batch: Sequence[ImageUpload]) -> None:
    """Raise Refused for a batch that is too large."""
    if len(batch) > BATCH:
        raise Refused(_("%(found)s images at once; at most %(limit)s.") % {"found": len(batch), "limit": BATCH})
    tags = {tag.pk for upload in batch for tag in upload.tags}
    if len(tags) > TAGS_A_BATCH:
        raise Refused(_("%(found)s tags at once; at most %(limit)s.") % {"found": len(tags), "limit": TAGS_A_BATCH})


@dataclass(frozen=True)
class Candidate:
    """A picture that can be an image of the project."""

    upload: ImageUpload
    picture: AdmittedPicture


def add_images(project: Project, batch: Sequence[ImageUpload], *, by: User | None) -> tuple[UploadResult, ...]:
    """Add pictures as images with their tags, each accepted or refused by itself; one that is there gets the tags."""
    return tuple(
        result
        for part in split_batch(batch)
        for result in _add(project, [admit(project, upload) for upload in part], by=by, remote_id=None)
    )


def add_image(
    project: Project, candidate: Candidate, *, by: User | None, remote_id: UUID | None = None
) -> UploadResult:
    """Add one picture as `add_images` does; remote_id: of its counterpart elsewhere."""
    [result] = _add(project, [candidate], by=by, remote_id=remote_id)
    return result


def split_batch(batch: Sequence[ImageUpload]) -> Iterator[Sequence[ImageUpload]]:
    """Yield the uploads that are added in one transaction: their clean copies are in memory meanwhile.

    In base64 such a part is less than half of what Azure takes in one request.
    """
    start = size = 0
    for place, upload in enumerate(batch):
        size += len(upload.content)
        if size > _BYTES_TOGETHER and place > start:
            yield batch[start:place]
            start, size = place, len(upload.content)
    yield batch[start:]


def _add(
    project: Project, batch: list[Candidate | UploadResult], *, by: User | None, remote_id: UUID | None
) -> tuple[UploadResult, ...]:
    results = _refusing_beyond_limit(project, batch)
    candidates = [each for each in results if isinstance(each, Candidate)]
    return fill_in(results, _insert(project, candidates, by=by, remote_id=remote_id) if candidates else ())


def admit(project: Project, upload: ImageUpload) -> Candidate | UploadResult:
    """Return the picture ready to be added, or why it cannot be an image of the project."""
    status = _tags_status(project, upload.tags)
    if status:
        return UploadResult(upload.name, status, detail=_TAG_SENTENCES[status]())
    try:
        picture = images.admit(upload.content, limits=images.TRAINING)
    except RefusedPicture as exc:
        return UploadResult(upload.name, picture_status(exc), detail=refusal_sentence(exc))
    return Candidate(upload, picture)


def check_tags(project: Project, tags: Sequence[Tag]) -> None:
    """Raise Refused for tags that one image of the project cannot have together."""
    if status := _tags_status(project, tags):
        raise Refused(_TAG_SENTENCES[status]())


def picture_status(refused: RefusedPicture) -> ImageStatus:
    """Return Custom Vision's word for why a picture was refused."""
    return _STATUS.get(refused.reason, ImageStatus.ERROR_IMAGE_FORMAT)


def _refusing_beyond_limit(project: Project, batch: list[Candidate | UploadResult]) -> list[Candidate | UploadResult]:
    """Return the batch with refusals in the place of new pictures that the project has no room for."""
    room = MOST_IMAGES - project.images.count()
    if room >= len(batch):
        return batch
    sha256s = [each.picture.sha256 for each in batch if isinstance(each, Candidate)]
    present = set(project.images.filter(picture__sha256__in=sha256s).values_list("picture__sha256", flat=True))
    full = _("The project has %(limit)s images, which is as many as it may.") % {"limit": MOST_IMAGES}
    results: list[Candidate | UploadResult] = []
    for each in batch:
        if isinstance(each, UploadResult) or each.picture.sha256 in present:
            results.append(each)
        elif room > 0:
            present.add(each.picture.sha256)
            room -= 1
            results.append(each)
        else:
            results.append(UploadResult(each.upload.name, ImageStatus.ERROR_LIMIT_EXCEED, detail=full))
    return results


def _insert(
    project: Project, candidates: Sequence[Candidate], *, by: User | None, remote_id: UUID | None
) -> list[UploadResult]:
    """Insert them together; each by itself where something that one of them points at was deleted meanwhile."""
    try:
        with transaction.atomic():
            return _insert_together(project, candidates, by=by, remote_id=remote_id)
    except IntegrityError:
        if len(candidates) > 1:
            return [result for each in candidates for result in _insert(project, [each], by=by, remote_id=remote_id)]
        detail = _("The project or the tag was deleted meanwhile.")
        return [UploadResult(candidates[0].upload.name, ImageStatus.ERROR_INVALID_TAG, detail=detail)]


def _insert_together(
    project: Project, candidates: Sequence[Candidate], *, by: User | None, remote_id: UUID | None
) -> list[UploadResult]:
    pictures = store_pictures([candidate.picture for candidate in candidates], by=by)
    stored = [
        (candidate, picture)
        for candidate, picture in zip(candidates, pictures, strict=True)
        if isinstance(picture, Picture)
    ]
    project = project.held()
    present = project.images.filter(picture__in=[picture for _candidate, picture in stored]).locked()
    known = {image.picture_id: image for image in present}
    # Nobody else can add them meanwhile: the pictures' rows are locked.
    new = {picture: candidate for candidate, picture in reversed(stored) if picture.pk not in known}
    image_of = known | _make_images(project, new, by=by, remote_id=remote_id)
    pairs = [Pair(image_of[picture.pk], tag) for candidate, picture in stored for tag in candidate.upload.tags]
    tagging = tag_here(project, pairs)
    results = []
    for candidate, picture in zip(candidates, pictures, strict=True):
        if isinstance(picture, StorageUnavailable):
            results.append(UploadResult(candidate.upload.name, ImageStatus.ERROR_STORAGE, detail=str(picture)))
        elif new.get(picture) is candidate:
            results.append(_added(candidate.upload, image_of[picture.pk], tagging))
        else:
            results.append(_come_again(candidate.upload, image_of[picture.pk], tagging))
    _note_contradictions(results)
    return results


def _note_contradictions(results: Sequence[UploadResult]) -> None:
    """Remember the tags that images may not have, until a person chooses."""
    rows = [Contradiction(image=each.image, tag=tag) for each in results if each.image for tag in each.left_out]
    Contradiction.objects.bulk_create(rows, ignore_conflicts=True)


def _added(upload: ImageUpload, image: Image, tagging: Tagging) -> UploadResult:
    image_tags = tuple(row for row in tagging.created if row.image == image)
    return UploadResult(upload.name, ImageStatus.OK, image, image_tags=image_tags)


def _come_again(upload: ImageUpload, image: Image, tagging: Tagging) -> UploadResult:
    """Renew an image that was there, or is twice in the batch."""
    left_out = tuple(tag for tag in upload.tags if Pair(image, tag) in tagging.exceeded)
    is_not_held_out = not _renew(image, upload)
    return UploadResult(
        upload.name, ImageStatus.OK_DUPLICATE, image, left_out=left_out, is_not_held_out=is_not_held_out
    )


def _make_images(
    project: Project, new: Mapping[Picture, Candidate], *, by: User | None, remote_id: UUID | None
) -> dict[int, Image]:
    """Make images of pictures that the project has not; return them by their picture."""
    made = Image.objects.bulk_create(
        Image(
            project=project,
            picture=picture,
            name=candidate.upload.name[:255],
            source=candidate.upload.source,
            original_sha256=candidate.picture.original_sha256,
            part=Part.HELD_OUT.value if candidate.upload.held_out else Part.UNDECIDED.value,
            created_by=by,
            remote_id=remote_id,
            metadata=dict(candidate.upload.metadata),
            uid=candidate.upload.uid or uuid4(),
        )
        for picture, candidate in new.items()
    )
    return {image.picture_id: image for image in made}


def _renew(image: Image, upload: ImageUpload) -> bool:
    """Let an image that comes again out of quarantine, and hold it out if that is asked; say whether it could be."""
    known = Image.objects.filter(pk=image.pk)
    known.exclude(quarantine="").update(quarantine="")
    if upload.metadata and len(metadata := {**known.get().metadata, **upload.metadata}) <= MOST_PAIRS:
        known.update(metadata=metadata)
    if not upload.held_out or image.part == Part.HELD_OUT:
        return True
    undecided = known.filter(part=Part.UNDECIDED.value).exclude(source=Image.Source.CORRECTION)
    return undecided.update(part=Part.HELD_OUT.value) == 1


def _tags_status(project: Project, tags: Sequence[Tag]) -> ImageStatus | None:
    if any(tag.project_id != project.pk for tag in tags):
        return ImageStatus.ERROR_INVALID_TAG
    if len(tags) > 1 and any(tag.is_negative for tag in tags):
        return ImageStatus.ERROR_NEGATIVE_AND_REGULAR_TAG
    if len(tags) > 1 and not project.is_multilabel:
        return ImageStatus.ERROR_TAG_LIMIT_EXCEED
    return None


_TAG_SENTENCES = {
    ImageStatus.ERROR_INVALID_TAG: lambda: _("The tag belongs to another project."),
    ImageStatus.ERROR_NEGATIVE_AND_REGULAR_TAG: lambda: _("A negative tag excludes every other tag."),
    ImageStatus.ERROR_TAG_LIMIT_EXCEED: lambda: _("In this project an image has one tag."),
}
