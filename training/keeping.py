"""Keep pictures as a project's images: what the backends have in common."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from catalog.exceptions import StorageUnavailable
from catalog.refusals import refusal_sentence
from catalog.services import keep_picture
from engine import images
from engine.exceptions import RefusalReason, RefusedPicture
from engine.splitting import Part
from training.backends.base import BATCH, TAGS_A_BATCH, ImageStatus, ImageUpload, UploadResult
from training.exceptions import Refused
from training.models import Image, ImageTag, Project, Tag

MOST_IMAGES = 100_000
"""Images of a project, as in Custom Vision."""
MOST_PAIRS = 10
"""Pairs of metadata of an image."""
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


def refused(project: Project, upload: ImageUpload) -> UploadResult | None:
    """Return why this picture cannot be an image of the project, or None when it can."""
    status = _tags_status(project, upload.tags)
    if status:
        return UploadResult(upload.name, status, detail=_TAG_SENTENCES[status]())
    try:
        images.inspect(upload.content, limits=images.TRAINING)
    except RefusedPicture as exc:
        status = _STATUS.get(exc.reason, ImageStatus.ERROR_IMAGE_FORMAT)
        return UploadResult(upload.name, status, detail=refusal_sentence(exc))
    return None


def room_left(project: Project) -> int:
    """Return how many more images the project may have."""
    return max(MOST_IMAGES - project.images.count(), 0)


def keep_image(
    project: Project, upload: ImageUpload, *, by: User | None, remote_id: UUID | None = None
) -> UploadResult:
    """Keep a picture that is not `refused` as an image, with its tags; one that is there already gets the tags."""
    try:
        with transaction.atomic():
            picture = keep_picture(content=upload.content, limits=images.TRAINING, by=by)
            image, is_new = Image.objects.get_or_create(
                project=project,
                picture=picture,
                defaults={
                    "name": upload.name[:255],
                    "source": upload.source,
                    "original_sha256": hashlib.sha256(upload.content).hexdigest(),
                    "part": Part.HELD_OUT.value if upload.held_out else Part.UNDECIDED.value,
                    "created_by": by,
                    "remote_id": remote_id,
                    "metadata": dict(upload.metadata),
                },
            )
            left_out = add_tags(image, upload.tags)
            remark = "" if is_new else _kept_again(image, upload)
    except IntegrityError:
        detail = _("The project or the tag was deleted meanwhile.")
        return UploadResult(upload.name, ImageStatus.ERROR_INVALID_TAG, detail=detail)
    except RefusedPicture as exc:
        return UploadResult(upload.name, ImageStatus.ERROR_IMAGE_FORMAT, detail=refusal_sentence(exc))
    except StorageUnavailable as exc:
        return UploadResult(upload.name, ImageStatus.ERROR_STORAGE, detail=str(exc))
    status = ImageStatus.OK if is_new else ImageStatus.OK_DUPLICATE
    return UploadResult(upload.name, status, image, detail=_kept_as_it_was(image) if left_out else remark)


def add_tags(image: Image, tags: Collection[Tag]) -> list[Tag]:
    """Give the image these tags where it may have them; return those that it may not, as it has another."""
    left_out = []
    with transaction.atomic():
        Image.objects.select_for_update().get(pk=image.pk)
        present = {each.tag_id: each.is_only for each in image.image_tags.all()}
        for tag in tags:
            if tag.pk in present:
                continue
            is_only = image.project.is_multilabel is False or tag.is_negative
            if present and (is_only or any(present.values())):
                left_out.append(tag)
                continue
            ImageTag.objects.create(image=image, tag=tag, is_only=is_only)
            present[tag.pk] = is_only
    return left_out


def merged(known: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return an image's pairs with the given ones, or as they are where they would be too many."""
    together = {**known, **given}
    return together if len(together) <= MOST_PAIRS else dict(known)


def _kept_again(image: Image, upload: ImageUpload) -> str:
    """Let an image that comes again out of quarantine, and hold it out if that is asked; say where that cannot be."""
    known = Image.objects.filter(pk=image.pk)
    known.exclude(quarantine="").update(quarantine="")
    if upload.metadata:
        known.update(metadata=merged(known.get().metadata, upload.metadata))
    if not upload.held_out or image.part == Part.HELD_OUT:
        return ""
    undecided = known.filter(part=Part.UNDECIDED.value).exclude(source=Image.Source.CORRECTION)
    if undecided.update(part=Part.HELD_OUT.value):
        return ""
    return _("It was trained on already, and is not held out.")


def _kept_as_it_was(image: Image) -> str:
    names = ", ".join(image.tags.values_list("name", flat=True))
    return _("It was in the project already, as %(tags)s, and stays so.") % {"tags": names}


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
