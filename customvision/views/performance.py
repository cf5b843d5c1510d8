"""How good an iteration is, and on which pictures that was measured."""

from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query
from pydantic import Field

from classifier.backends.base import TagProbability
from customvision.errors import ApiError, not_found
from customvision.fields import Ids, Shape, at_most, reply
from customvision.files import image_links
from customvision.listings import ImagePage
from customvision.lookups import iteration_for
from customvision.routers import training as router
from customvision.schemas.iterations import ImagePerformanceOut, IterationPerformanceOut
from customvision.schemas.predictions import predictions_out
from engine.metrics import Flags
from training import evaluation
from training.labels import Label, Labels, labels_measured
from training.models import Image, Iteration, Tag
from training.snapshots import Snapshot, snapshot_of

_MOST_TAGS = 20


class PerformanceQuery(Shape):
    threshold: float = Field(evaluation.THRESHOLD, ge=0, le=1)
    overlap_threshold: float | None = None


class MeasuredQuery(Shape):
    tag_ids: Ids = []


@router.get("/projects/{uuid:project_id}/iterations/{uuid:iteration_id}/performance", response=IterationPerformanceOut)
def get_iteration_performance(
    request: HttpRequest, project_id: UUID, iteration_id: UUID, asked: Query[PerformanceQuery]
) -> HttpResponse:
    """Return precision, recall and average precision at the threshold, over all and for each tag.

    An unknown figure is 0: nothing was said at that threshold, or no held-out picture has the tag.
    Deviations are 0, as nothing is measured twice. The overlap threshold is for object detection.
    """
    iteration = iteration_for(request, project_id, iteration_id)
    performance = evaluation.performance_of(iteration, threshold=asked.threshold)
    if performance is None:
        raise not_found("IterationPerformance")
    return reply(IterationPerformanceOut.of(performance, labels_measured(iteration, snapshot_of(iteration))))


@router.get(
    "/projects/{uuid:project_id}/iterations/{uuid:iteration_id}/performance/images", response=list[ImagePerformanceOut]
)
def get_image_performances(
    request: HttpRequest, project_id: UUID, iteration_id: UUID, asked: Query[MeasuredQuery], page: Query[ImagePage]
) -> HttpResponse:
    """List the pictures on which an iteration was measured, with what it says of them.

    Those that are still in the project; none where they are not known: the iteration was not trained here.
    """
    measured = _measured(request, project_id, iteration_id, asked.tag_ids)
    if measured is None:
        return reply([])
    images = page.cut(measured.images.select_related("picture"))
    rows = {sha256: row for row, sha256 in enumerate(measured.snapshot.measured_sha256s)}
    return reply([_performance_out(request, image, measured, rows[image.picture.sha256]) for image in images])


@router.get("/projects/{uuid:project_id}/iterations/{uuid:iteration_id}/performance/images/count", response=int)
def get_image_performance_count(
    request: HttpRequest, project_id: UUID, iteration_id: UUID, asked: Query[MeasuredQuery]
) -> HttpResponse:
    """Count what `get_image_performances` lists on all its pages."""
    measured = _measured(request, project_id, iteration_id, asked.tag_ids)
    return reply(measured.images.count() if measured else 0)


@dataclass(frozen=True)
class _Measured:
    """The pictures on which an iteration was measured."""

    iteration: Iteration
    snapshot: Snapshot
    labels: Labels
    negative: Label | None
    """The tag of the pictures that have no other, in a Multilabel project."""
    images: QuerySet[Image]
    """Those asked for, in no order."""


def _measured(request: HttpRequest, project_id: UUID, iteration_id: UUID, tag_ids: list[UUID]) -> _Measured | None:
    """Return what was measured, of pictures with one of these tags at least; None where it is not known."""
    iteration = iteration_for(request, project_id, iteration_id)
    at_most(_MOST_TAGS, tag_ids, "tagIds")
    evaluation.check_is_trained(iteration)
    snapshot = snapshot_of(iteration)
    if snapshot is None:
        return None
    labels, negative = labels_measured(iteration, snapshot), _negative(iteration, snapshot)
    chosen = np.ones(len(snapshot.measured_sha256s), dtype=np.bool_)
    if tag_ids:
        chosen = _with_tags(snapshot, [labels[name].uid for name in snapshot.tags], negative, tag_ids)
    sha256s = np.array(snapshot.measured_sha256s)[chosen].tolist()
    images = iteration.project.images.filter(picture__sha256__in=sha256s)
    return _Measured(iteration, snapshot, labels, negative, images)


def _negative(iteration: Iteration, snapshot: Snapshot) -> Label | None:
    """Return the negative tag where it is no column of its own."""
    tag = iteration.project.tags.filter(type=Tag.Type.NEGATIVE).first() if snapshot.multilabel else None
    return Label.of(tag) if tag else None


def _with_tags(snapshot: Snapshot, columns: list[UUID], negative: Label | None, ids: list[UUID]) -> Flags:
    """Return (measured pictures,), whether each has one of these tags. Raises ApiError for one that is not known."""
    known = {*columns, *([negative.uid] if negative else [])}
    if unknown := [str(uid) for uid in ids if uid not in known]:
        sentence = f"tagIds has ids of no tag of the iteration: {', '.join(unknown)}."
        raise ApiError("BadRequestInvalidIds", sentence)
    truths = snapshot.measured_truths
    wanted = np.array([uid in ids for uid in columns])
    has_one: Flags = (truths & wanted).any(axis=1)
    has_none: Flags = np.logical_not(truths.any(axis=1)) & bool(negative and negative.uid in ids)
    return np.logical_or(has_one, has_none)


def _performance_out(request: HttpRequest, image: Image, measured: _Measured, row: int) -> ImagePerformanceOut:
    snapshot, labels = measured.snapshot, measured.labels
    truths = [labels[snapshot.tags[column]] for column in np.flatnonzero(snapshot.measured_truths[row])]
    if not truths and measured.negative:
        truths = [measured.negative]
    given = snapshot.probabilities[row]
    places = np.argsort(-given, kind="stable").tolist()
    said = [TagProbability(snapshot.tags[place], float(given[place])) for place in places]
    return ImagePerformanceOut.of(
        image,
        links=image_links(request, image, measured.iteration.project.uid),
        tags=truths,
        predictions=predictions_out(said, labels),
    )
