"""Which images have which tags: changed nowhere else, whoever asks."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count
from django.utils.translation import ngettext

from training.backends import get_mirror
from training.backends.base import Mirror
from training.exceptions import CannotConvert
from training.models import Image, ImageTag, Project, Tag

logger = logging.getLogger(__name__)

MOST_TAGS_AN_IMAGE = 100


class Pair(NamedTuple):
    """A tag that an image is to have, or to have no longer."""

    image: Image
    tag: Tag


@dataclass(frozen=True)
class Tagging:
    """What is to become of pairs of images and tags, and then became of them: enough to take it back.

    Each in the order of the pairs.
    """

    created: tuple[ImageTag, ...] = ()
    removed: tuple[ImageTag, ...] = ()
    duplicated: tuple[Pair, ...] = ()
    """The image has the tag already."""
    exceeded: tuple[Pair, ...] = ()
    """The image has another tag, and one of the two excludes the other; or it has as many as it may."""

    @property
    def changed(self) -> tuple[Image, ...]:
        """The images whose tags are others than before, each once."""
        return tuple(dict.fromkeys(row.image for row in (*self.created, *self.removed)))


def tag_images(project: Project, pairs: Sequence[Pair], *, replace: bool = False) -> Tagging:
    """Put each tag on its image, here and at the project's mirror, where the image may have it beside its others.

    replace: the tag takes the place of those that exclude it. What was deleted meanwhile is left out, as is what
    belongs to another project.
    """
    if mirror := get_mirror(project):
        _copy(mirror, _plan(project, pairs, replace=replace))
    with transaction.atomic():
        project = project.held()
        wanted = {pair.tag.pk for pair in pairs}
        tags = set(project.tags.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk"))
        return tag_here(project, [pair for pair in pairs if pair.tag in tags], replace=replace)


def tag_here(project: Project, pairs: Sequence[Pair], *, replace: bool = False) -> Tagging:
    """Do what `tag_images` does in our own rows alone: the mirror knows already.

    Raises IntegrityError, at the latest when the transaction ends, for a tag that was deleted meanwhile.
    """
    with transaction.atomic():
        project = project.held()
        done = _plan(project, _locked(project, pairs), replace=replace)
        _write(project, done)
    return done


def untag_images(project: Project, pairs: Sequence[Pair]) -> Tagging:
    """Take each tag off its image, here and at the project's mirror, where the image has it."""
    if mirror := get_mirror(project):
        _copy(mirror, _plan_removal(pairs))
    with transaction.atomic():
        done = _plan_removal(_locked(project, pairs))
        _write(project, done)
    return done


def follow_type(project: Project) -> None:
    """Let images have as many tags as the project's new type allows; its row is locked. Raises CannotConvert."""
    tagged = ImageTag.objects.filter(tag__project=project)
    if project.is_multilabel:
        tagged.exclude(tag__type=Tag.Type.NEGATIVE).update(is_only=False)
        return
    several = tagged.values("image").annotate(count=Count("pk")).filter(count__gt=1).count()
    if several:
        sentence = ngettext(
            "%(count)s image has several tags: in a Multiclass project it may have one.",
            "%(count)s images have several tags: in a Multiclass project each may have one.",
            several,
        )
        raise CannotConvert(sentence % {"count": several})
    tagged.update(is_only=True)


def _plan(project: Project, pairs: Sequence[Pair], *, replace: bool) -> Tagging:
    """Say what is to become of each pair, as things are now."""
    present = _present(pairs)
    created: dict[Pair, ImageTag] = {}
    removed: list[ImageTag] = []
    duplicated: list[Pair] = []
    exceeded: list[Pair] = []
    for pair in pairs:
        tags = present[pair.image.pk]
        row = ImageTag(image=pair.image, tag=pair.tag, is_only=project.is_only(pair.tag))
        excluded = [other for other in tags.values() if row.is_only or other.is_only]
        if pair.tag.pk in tags:
            duplicated.append(pair)
        elif (excluded and not replace) or len(tags) - len(excluded) >= MOST_TAGS_AN_IMAGE:
            exceeded.append(pair)
        else:
            for other in excluded:
                del tags[other.tag_id]
                if not created.pop(Pair(pair.image, other.tag), None):  # of the same call
                    removed.append(other)
            tags[pair.tag.pk] = created[pair] = row
    return Tagging(tuple(created.values()), tuple(removed), tuple(duplicated), tuple(exceeded))


def _plan_removal(pairs: Sequence[Pair]) -> Tagging:
    present = _present(pairs)
    rows = (present[pair.image.pk].get(pair.tag.pk) for pair in dict.fromkeys(pairs))
    return Tagging(removed=tuple(row for row in rows if row))


def _present(pairs: Iterable[Pair]) -> dict[int, dict[int, ImageTag]]:
    """Return what the images have: by the key of the image, then of the tag, the oldest first."""
    images = {pair.image.pk: pair.image for pair in pairs}
    present: dict[int, dict[int, ImageTag]] = {pk: {} for pk in images}
    for row in ImageTag.objects.filter(image__in=present).select_related("tag").order_by("pk"):
        row.image = images[row.image_id]
        present[row.image_id][row.tag_id] = row
    return present


def _copy(mirror: Mirror, plan: Tagging) -> None:
    """Let the counterparts of the images have the tags that the images are going to have."""
    for image in plan.changed:
        removed = {row.tag for row in plan.removed if row.image == image}
        created = [row.tag for row in plan.created if row.image == image]
        mirror.set_tags(image, [*(tag for tag in image.tags.all() if tag not in removed), *created])


def _locked(project: Project, pairs: Iterable[Pair]) -> list[Pair]:
    """Keep others from tagging these images until the transaction ends; return the pairs of those that are left."""
    keys = {pair.image.pk for pair in pairs}
    images = set(project.images.filter(pk__in=keys).locked())
    return [pair for pair in pairs if pair.image in images]


def _write(project: Project, plan: Tagging) -> None:
    if not plan.changed:
        return
    ImageTag.objects.filter(pk__in=[row.pk for row in plan.removed]).delete()
    ImageTag.objects.bulk_create(plan.created)
    logger.info("Tagged project=%s created=%s removed=%s", project.pk, len(plan.created), len(plan.removed))
