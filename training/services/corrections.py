"""What reviewers say that a picture shows: an image to learn from, which can be taken back."""

import logging
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts.models import User
from catalog.models import Picture
from catalog.services import read_picture
from training import snapshots
from training.backends import get_mirror, get_trainer
from training.exceptions import Refused
from training.models import Image, ImageTag, Iteration, Project, Tag
from training.services.images import queue_embedding
from training.services.intake import MOST_IMAGES, check_tags
from training.services.tagging import Pair, tag_images, untag_images
from training.uploads import BATCH, ImageUpload

logger = logging.getLogger(__name__)


class Learned(NamedTuple):
    """A picture that is an image now."""

    image: Image
    had: tuple[int, ...] | None
    """Keys of the tags that the image had before; None: it is new."""


def learn_pictures(
    project: Project, pictures: Sequence[Picture], *, tags: Sequence[Tag], by: User | None
) -> dict[int, Learned]:
    """Make each picture an image of the project with exactly these tags; one that was there gets them for its own.

    Return them by the picture's key. A new one is never held out. Raises Refused for tags that an image cannot have
    together and where the project is full, StorageUnavailable where a mirror is to be sent the bytes.
    """
    check_tags(project, tags)
    with transaction.atomic():
        held = project.held()
        present = {image.picture_id: image for image in held.images.filter(picture__in=pictures).locked()}
        had = _tags_of(present.values())
        learned = {picture: Learned(image, tuple(had[image.pk])) for picture, image in present.items()}
        missing = {picture.pk: picture for picture in pictures if picture.pk not in present}
        for image in _add(held, list(missing.values()), tags=tags, by=by):
            learned[image.picture_id] = Learned(image, None)
        set_tags(held, [each.image for each in learned.values()], tags=tags)
    if missing and get_trainer(project.backend).capabilities.needs_vectors:
        queue_embedding(project, by=by)
    logger.info("Learned project=%s pictures=%s new=%s", project.pk, len(learned), len(missing))
    return learned


def set_tags(project: Project, images: Sequence[Image], *, tags: Sequence[Tag]) -> None:
    """Let these images have exactly these tags."""
    wanted = {tag.pk for tag in tags}
    rows = ImageTag.objects.filter(image__in=images).exclude(tag__in=wanted).select_related("tag", "image")
    if others := [Pair(row.image, row.tag) for row in rows]:
        untag_images(project, others)
    if tags:
        tag_images(project, [Pair(image, tag) for image in images for tag in tags])


def forget_images(project: Project, images: Sequence[Image]) -> None:
    """Take images out of the project; their pictures stay, for wrong predictions still point at them."""
    if mirror := get_mirror(project):
        mirror.delete_images(images)
    Image.objects.filter(pk__in=[image.pk for image in images]).delete()
    logger.info("Forgot images=%s project=%s", len(images), project.pk)


def note_erasure(image: Image) -> None:
    """Note with each iteration that was trained on the image that its sender has erased the picture.

    Raises StorageUnavailable and ModelFileError.
    """
    iterations = image.project.iterations.exclude(snapshot_key="").filter(trained_at__gte=image.created_at)
    used = [each.pk for each in iterations if image.picture.sha256 in snapshots.read(each.snapshot_key).sha256s]
    Iteration.objects.filter(pk__in=used).update(erased_pictures=F("erased_pictures") + 1)


def _tags_of(images: Iterable[Image]) -> dict[int, list[int]]:
    """Return the keys of the tags of each image, by its key."""
    tags: dict[int, list[int]] = {image.pk: [] for image in images}
    for image, tag in ImageTag.objects.filter(image__in=tags).order_by("pk").values_list("image", "tag"):
        tags[image].append(tag)
    return tags


def _add(project: Project, pictures: Sequence[Picture], *, tags: Sequence[Tag], by: User | None) -> list[Image]:
    if project.images.count() + len(pictures) > MOST_IMAGES:
        raise Refused(_("The project has %(limit)s images, which is as many as it may.") % {"limit": MOST_IMAGES})
    if get_mirror(project):
        return _upload(project, pictures, tags=tags, by=by)
    return Image.objects.bulk_create(
        Image(
            project=project,
            picture=picture,
            source=Image.Source.CORRECTION,
            original_sha256=picture.sha256,
            created_by=by,
        )
        for picture in pictures
    )


def _upload(project: Project, pictures: Sequence[Picture], *, tags: Sequence[Tag], by: User | None) -> list[Image]:
    """Send the pictures to the mirror too, whose ids the new images bear."""
    made = []
    for start in range(0, len(pictures), BATCH):
        some = pictures[start : start + BATCH]
        uploads = [ImageUpload("", read_picture(each), tuple(tags), source=Image.Source.CORRECTION) for each in some]
        for result in get_trainer(project.backend).upload_images(project, uploads, by=by):
            if result.image is None:
                raise Refused(result.detail)
            made.append(result.image)
    return made
