"""Stored predictions: looked through, deleted."""

from datetime import UTC, datetime
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from ninja import Query

from customvision.api_description import takes
from customvision.bodies import read_json
from customvision.errors import ApiError
from customvision.fields import Ids, Shape, at_most, nothing, reply
from customvision.lookups import find_project
from customvision.models import StoredPredictionQuerySet
from customvision.paging import Page, read_page
from customvision.routers import training as router
from customvision.schemas.predictions import PredictionQueryResult, PredictionQueryToken, StoredImagePrediction
from customvision.services import discard_predictions

_ORDERS = {
    "Newest": ("-pk",),
    "Oldest": ("pk",),
    "Suggested": ("-uncertainty", "-pk"),
}
"""Suggested: those that the iteration knew least of come first."""
_MOST_TAGS = 2
_MOST_IDS = 64
_SESSION = 1


class PredictionIds(Shape):
    ids: Ids = []


@router.post("/projects/{uuid:project_id}/predictions/query", response=PredictionQueryResult)
@takes(PredictionQueryToken)
def query_predictions(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """List a page of the stored predictions."""
    project = find_project(request, project_id)
    token = read_json(request, PredictionQueryToken)
    order = token.order_by or "Newest"
    _check(token, order)
    page = read_page(token, kind=_SESSION, code="BadRequestPredictionInvalidQueryParameters")
    waiting = project.stored_predictions.waiting()
    last_pk = page.newest_of(waiting)
    asked = _asked(waiting.filter(pk__lte=last_pk), token)
    rows = list(_after(asked, page, order).order_by(*_ORDERS[order])[: page.size + 1])
    results = rows[: page.size]
    last = (results[-1].uncertainty, results[-1].pk) if len(rows) > page.size else None
    answered = {
        **page.next_page(last_pk, last),
        "max_count": token.max_count or 0,
        "order_by": order,
    }
    return reply(
        PredictionQueryResult(
            token=PredictionQueryToken(**(dict(token) | answered)),
            results=[StoredImagePrediction.of(stored, project, request) for stored in results],
        )
    )


@router.delete("/projects/{uuid:project_id}/predictions", response={204: None})
def delete_prediction(request: HttpRequest, project_id: UUID, given: Query[PredictionIds]) -> HttpResponse:
    """Delete at most 64 stored predictions; those that are not there are deleted already."""
    project = find_project(request, project_id)
    if not given.ids:
        raise ApiError("BadRequestPredictionIdsMissing", "ids is empty; 1 to 64 ids are accepted.")
    at_most(_MOST_IDS, given.ids, "ids", code="BadRequestPredictionIdsExceededCount")
    discard_predictions(project.stored_predictions.filter(uid__in=given.ids).select_related("picture"))
    return nothing()


def _check(token: PredictionQueryToken, order: str) -> None:
    if order not in _ORDERS:
        sentence = f"orderBy is {order!r}; {', '.join(_ORDERS)} are accepted."
        raise ApiError("BadRequestPredictionInvalidQueryParameters", sentence)
    at_most(_MOST_TAGS, token.tags or [], "tags", code="BadRequestPredictionTagsExceededCount")


def _asked(rows: StoredPredictionQuerySet, token: PredictionQueryToken) -> StoredPredictionQuerySet:
    """Return those that fit everything that the token names; with two tags, both of them."""
    if token.iteration_id:
        rows = rows.filter(iteration_uid=token.iteration_id)
    if token.application:
        rows = rows.filter(application=token.application)
    if token.start_time:
        rows = rows.filter(created_at__gte=_aware(token.start_time))
    if token.end_time:
        rows = rows.filter(created_at__lte=_aware(token.end_time))
    for tag in token.tags or []:
        most = 1 if tag.max_threshold is None else tag.max_threshold
        rows = rows.with_tag(tag.id, at_least=tag.min_threshold or 0, at_most=most)
    return rows


def _after(rows: StoredPredictionQuerySet, page: Page, order: str) -> StoredPredictionQuerySet:
    if page.after is None:
        return rows
    uncertainty, pk = page.after
    if order == "Oldest":
        return rows.filter(pk__gt=pk)
    if order == "Newest":
        return rows.filter(pk__lt=pk)
    return rows.filter(Q(uncertainty__lt=uncertainty) | Q(uncertainty=uncertainty, pk__lt=pk))


def _aware(moment: datetime) -> datetime:
    """Take a moment that does not say otherwise for one in UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
