"""What programs say of images that are there: tags put on and taken off, metadata."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction

from training import keeping
from training.backends import get_mirror
from training.models import Image, ImageTag, Project, Tag

logger = logging.getLogger(__name__)

MOST_TAGS_AN_IMAGE = 100

Pair = tuple[Image, Tag]


@dataclass
class Tagged:
    """What became of each pair of an image and a tag."""

    created: list[Pair] = field(default_factory=list)
    duplicated: list[Pair] = field(default_factory=list)
    """The image has the tag already."""
    exceeded: list[Pair] = field(default_factory=list)
    """The image has another tag, and one of the two excludes the other; or it has as many as it may."""


def tag_images(project: Project, pairs: Sequence[Pair]) -> Tagged:
    """Put each tag on its image where the image may have it beside those that it has; all are of that project.

    What was deleted meanwhile is left out.
    """
    planned = _plan(project, pairs)
    if mirror := get_mirror(project):
        for image, tags in _by_image(planned.created).items():
            mirror.set_tags(image, [*image.tags.all(), *tags])
    with transaction.atomic():
        images_left = set(_lock(image for image, _tag in pairs))
        tags_left = set(project.tags.select_for_update(no_key=True).filter(pk__in={tag.pk for _image, tag in pairs}))
        left = [(image, tag) for image, tag in pairs if image in images_left and tag in tags_left]
        done = _plan(project, left)
        ImageTag.objects.bulk_create(
            ImageTag(image=image, tag=tag, is_only=project.is_only(tag)) for image, tag in done.created
        )
    logger.info("Tagged project=%s created=%s of=%s", project.pk, len(done.created), len(pairs))
    return done


def untag_images(project: Project, images: Iterable[Image], tags: Collection[Tag]) -> None:
    """Take these tags from these images of the project, where they have them."""
    if mirror := get_mirror(project):
        for image in images:
            before = list(image.tags.all())
            after = [tag for tag in before if tag not in tags]
            if after != before:
                mirror.set_tags(image, after)
    taken, _ = ImageTag.objects.filter(image__in=images, tag__in=tags).delete()
    logger.info("Untagged project=%s taken=%s", project.pk, taken)


def add_metadata(images: Iterable[Image], given: Mapping[str, str]) -> tuple[list[Image], list[Image]]:
    """Add the pairs to those of each image; return the changed images, and those that would have too many."""
    changed: list[Image] = []
    full: list[Image] = []
    with transaction.atomic():
        for image in _lock(images):
            together = {**image.metadata, **given}
            (full if len(together) > keeping.MOST_PAIRS else changed).append(image)
            image.metadata = together
        Image.objects.bulk_update(changed, ["metadata"])
    return changed, full


def _lock(images: Iterable[Image]) -> list[Image]:
    """Keep others from changing these images until the transaction ends; return them as they are."""
    keys = {image.pk for image in images}
    return list(Image.objects.select_for_update().filter(pk__in=keys).order_by("pk"))


def _plan(project: Project, pairs: Sequence[Pair]) -> Tagged:
    """Say what is to become of each pair, in their order."""
    present: dict[int, dict[int, bool]] = {image.pk: {} for image, _tag in pairs}
    for known in ImageTag.objects.filter(image__in=present):
        present[known.image_id][known.tag_id] = known.is_only
    plan = Tagged()
    for image, tag in pairs:
        _place(image, tag, present[image.pk], plan, is_only=project.is_only(tag))
    return plan


def _place(image: Image, tag: Tag, present: dict[int, bool], plan: Tagged, *, is_only: bool) -> None:
    if tag.pk in present:
        plan.duplicated.append((image, tag))
    elif keeping.is_excluded(present, is_only=is_only) or len(present) >= MOST_TAGS_AN_IMAGE:
        plan.exceeded.append((image, tag))
    else:
        present[tag.pk] = is_only
        plan.created.append((image, tag))


def _by_image(pairs: Iterable[Pair]) -> dict[Image, list[Tag]]:
    found: dict[Image, list[Tag]] = {}
    for image, tag in pairs:
        found.setdefault(image, []).append(tag)
    return found
