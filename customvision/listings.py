"""The images of a project: as they are now, or as an iteration learned from them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Protocol
from uuid import UUID

import numpy as np
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from pydantic import Field

from customvision.errors import ApiError
from customvision.fields import Shape, Word, naive
from customvision.lookups import find_iteration, find_project
from customvision.schemas.images import ImageOut, ImageTagOut
from engine.metrics import Flags
from training.labels import Label, labels_of
from training.models import Image, ImageQuerySet, ImageTag, Iteration, Project, Tag
from training.snapshots import Snapshot, images_of, snapshot_of

MOST_IMAGES = 256
"""In one list, whether a program sends it or gets it."""
_ORDERS = {"Newest": "-pk", "Oldest": "pk"}


class ImagePage(Shape):
    """A part of a list of images, as queries name it."""

    order_by: Word = "Newest"
    take: Annotated[int, Field(ge=0, le=MOST_IMAGES)] = 50
    skip: Annotated[int, Field(ge=0, lt=2**31)] = 0

    def cut(self, images: QuerySet[Image]) -> QuerySet[Image]:
        """Return the images on the page, in its order. Raises ApiError."""
        if self.order_by not in _ORDERS:
            raise ApiError("BadRequest", f"orderBy is {self.order_by!r}; Newest and Oldest are accepted.")
        return images.order_by(_ORDERS[self.order_by])[self.skip : self.skip + self.take]


class Listing(Protocol):
    """Images with the tags that they have there."""

    def images(self, *, is_tagged: bool | None = None, tag_uids: Sequence[UUID] = ()) -> ImageQuerySet:
        """Return the images with tags or without, None for both, and with at least one of these if any are named."""

    def tags_of(self, image: Image) -> list[ImageTagOut]:
        """Return the tags of an image that has its `image_tags`."""


@dataclass(frozen=True)
class Workspace:
    """The images as they are now."""

    project: Project

    def images(self, *, is_tagged: bool | None = None, tag_uids: Sequence[UUID] = ()) -> ImageQuerySet:
        images = Image.objects.filter(project=self.project)
        if tag_uids:
            images = images.with_tag(*self.project.tags.filter(uid__in=tag_uids).values_list("pk", flat=True))
        elif is_tagged:
            return images.tagged()
        return images.untagged() if is_tagged is False else images

    def tags_of(self, image: Image) -> list[ImageTagOut]:
        return [ImageTagOut.of(known) for known in image.image_tags.all()]


@dataclass(frozen=True)
class Remembered:
    """The images that an iteration learned from or was measured on, as far as they are still there."""

    iteration: Iteration
    snapshot: Snapshot

    def images(self, *, is_tagged: bool | None = None, tag_uids: Sequence[UUID] = ()) -> ImageQuerySet:
        """Only tagged images are learned from."""
        rows = np.full(len(self.snapshot.sha256s), is_tagged is not False)
        if tag_uids:
            wanted = [label.uid in tag_uids for label in self.labels]
            rows &= self._truths[:, wanted].any(axis=1)
        return images_of(self.iteration, rows)

    def tags_of(self, image: Image) -> list[ImageTagOut]:
        """Return the tags with their names then; one that was removed since counts as added before the training."""
        since = {known.tag.uid: known.created_at for known in image.image_tags.all()}
        row = bisect_left(self.snapshot.sha256s, image.picture.sha256)
        labels = [self.labels[column] for column in np.flatnonzero(self._truths[row])]
        began = self.iteration.created_at
        return [
            ImageTagOut(tag_id=label.uid, tag_name=label.name, created=naive(since.get(label.uid, began)))
            for label in labels
        ]

    def counts(self) -> Mapping[UUID, int]:
        """Return the number of images of each tag, those included that were deleted since."""
        return dict(zip((label.uid for label in self.labels), self._truths.sum(axis=0).tolist(), strict=True))

    @cached_property
    def labels(self) -> list[Label]:
        """Of the columns of `_truths`."""
        known = labels_of(self.iteration)
        return [*(known[name] for name in self.snapshot.tags), *map(Label.of, self._negative)]

    @cached_property
    def _truths(self) -> Flags:
        """(images, labels). In a Multilabel project an image of the negative tag has a row without any tag."""
        truths = self.snapshot.truths
        return np.column_stack([truths, ~truths.any(axis=1)]) if self._negative else truths

    @cached_property
    def _negative(self) -> list[Tag]:
        if not self.snapshot.multilabel or self.snapshot.truths.any(axis=1).all():
            return []
        return list(self.iteration.project.tags.filter(type=Tag.Type.NEGATIVE))


def listing(request: HttpRequest, project_uid: UUID, iteration_uid: UUID | None) -> tuple[Project, Listing]:
    """Return the project and its images, now or in that iteration. Raises ApiError."""
    project = find_project(request, project_uid)
    return project, Workspace(project) if iteration_uid is None else remembered(project, iteration_uid)


def remembered(project: Project, iteration_uid: UUID) -> Remembered:
    """Return what that iteration knows of its images. Raises ApiError."""
    iteration = find_iteration(project, iteration_uid)
    snapshot = snapshot_of(iteration)
    if snapshot is None:
        sentence = f"{iteration.name} is {iteration.status}: what it learns from is known once it was trained here."
        raise ApiError("BadRequestIterationIsNotTrained", sentence)
    return Remembered(iteration, snapshot)


def read_images(keys: Sequence[int]) -> dict[int, Image]:
    """Return the images with these keys that exist, with what `ImageOut` needs of them."""
    tags = Prefetch("image_tags", ImageTag.objects.select_related("tag").order_by("pk"))
    return Image.objects.select_related("picture").prefetch_related(tags).in_bulk(keys)


def images_out(request: HttpRequest, project: Project, images: Listing, rows: QuerySet[Image]) -> list[ImageOut]:
    """Return these images as programs see them, in their order."""
    keys = list(rows.values_list("pk", flat=True))
    read = read_images(keys)
    whole = [read[pk] for pk in keys if pk in read]
    return [ImageOut.of(image, images.tags_of(image), request, project.uid) for image in whole]
