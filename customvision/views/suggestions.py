"""Tags that an iteration suggests for images that have none."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query

from customvision.api_description import takes
from customvision.bodies import read_json
from customvision.domains import domain_of
from customvision.errors import ApiError
from customvision.fields import Ids, Shape, at_most, reply, utc
from customvision.files import image_links
from customvision.lookups import find_project, find_trained
from customvision.paging import Page, read_page
from customvision.paths import has_tag_types
from customvision.routers import training as router
from customvision.schemas.predictions import predictions_out
from customvision.schemas.suggestions import (
    StoredSuggestedTagAndRegion,
    SuggestedTagAndRegion,
    SuggestedTagAndRegionQuery,
    SuggestedTagAndRegionQueryToken,
    TagFilter,
)
from customvision.suggestions import Suggester, Suggestion
from training.labels import Labels
from training.models import Image, ImageQuerySet, Iteration, Project

_ASCENDING, _DESCENDING = "UncertaintyAscending", "UncertaintyDescending"
_MOST_IDS = 64
_SESSION = 2


class ByIteration(Shape):
    iteration_id: UUID


class OfImages(ByIteration):
    image_ids: Ids


@router.post("/projects/{uuid:project_id}/images/suggested", response=SuggestedTagAndRegionQuery)
@takes(SuggestedTagAndRegionQueryToken)
def query_suggested_images(request: HttpRequest, project_id: UUID, by: Query[ByIteration]) -> HttpResponse:
    """List a page of the untagged images that probably have one of the tags, and what else they may have."""
    project = find_project(request, project_id)
    iteration = find_trained(project, by.iteration_id)
    token = read_json(request, SuggestedTagAndRegionQueryToken)
    sort_by = token.sort_by or _ASCENDING
    if sort_by not in {_ASCENDING, _DESCENDING}:
        sentence = f"sortBy is {sort_by!r}; {_ASCENDING} and {_DESCENDING} are accepted."
        raise ApiError("BadRequest", sentence)
    page = read_page(token, kind=_SESSION, code="BadRequest")
    last_pk = page.newest_of(project.images.all())
    suggester = Suggester(iteration)
    tags, threshold = suggester.tags(token.tag_ids), _threshold(token.threshold)
    images = _untagged(project).filter(pk__lte=last_pk)
    suggester.embed(images)
    ranked = suggester.ranked(images, tags, threshold=threshold)
    chosen, is_more = _cut(ranked, page, is_descending=sort_by == _DESCENDING)
    answered = {
        "threshold": threshold,
        **page.next_page(last_pk, chosen[-1] if is_more else None),
        "max_count": token.max_count or 0,
        "sort_by": sort_by,
    }
    by_key = images.select_related("picture").in_bulk([pk for _value, pk in chosen])
    suggestions = suggester.suggest([by_key[pk] for _value, pk in chosen if pk in by_key])
    results = [_stored(request, suggestion, iteration, suggester.labels) for suggestion in suggestions]
    return reply(
        SuggestedTagAndRegionQuery(token=SuggestedTagAndRegionQueryToken(**(dict(token) | answered)), results=results)
    )


@router.post("/projects/{uuid:project_id}/images/suggested/count", response=dict[str, int])
@takes(TagFilter)
def query_suggested_image_count(request: HttpRequest, project_id: UUID, by: Query[ByIteration]) -> HttpResponse:
    """Count the untagged images that probably have each of the tags."""
    project = find_project(request, project_id)
    suggester = Suggester(find_trained(project, by.iteration_id))
    asked = read_json(request, TagFilter)
    tags, threshold = suggester.tags(asked.tag_ids), _threshold(asked.threshold)
    images = _untagged(project)
    suggester.embed(images)
    counts = suggester.counts(images, tags, threshold=threshold)
    return reply({str(tag): count for tag, count in counts.items()})


@router.post("/projects/{uuid:project_id}/tagsandregions/suggestions", response=list[SuggestedTagAndRegion])
def suggest_tags_and_regions(request: HttpRequest, project_id: UUID, asked: Query[OfImages]) -> HttpResponse:
    """Return what each of at most 64 images may show; those that cannot be read, or are gone, are left out."""
    project = find_project(request, project_id)
    iteration = find_trained(project, asked.iteration_id)
    at_most(_MOST_IDS, asked.image_ids, "imageIds")
    images = project.images.filter(uid__in=asked.image_ids)
    suggester = Suggester(iteration)
    suggester.embed(images)
    by_uid = {image.uid: image for image in images}
    suggestions = suggester.suggest([by_uid[uid] for uid in dict.fromkeys(asked.image_ids) if uid in by_uid])
    return reply([_suggested(request, suggestion, iteration, suggester.labels) for suggestion in suggestions])


def _untagged(project: Project) -> ImageQuerySet:
    return Image.objects.filter(project=project).usable().untagged()


def _threshold(given: float | None) -> float:
    threshold = given or 0.0
    if not 0 <= threshold <= 1:
        raise ApiError("BadRequest", f"threshold is {threshold:g}; 0 to 1 is accepted.")
    return threshold


def _cut(ranked: list[tuple[float, int]], page: Page, *, is_descending: bool) -> tuple[list[tuple[float, int]], bool]:
    """Return the part of the list that is on the page, and whether there is more."""
    if is_descending:
        left = [pair for pair in reversed(ranked) if page.after is None or pair < page.after]
    else:
        left = [pair for pair in ranked if page.after is None or pair > page.after]
    return left[: page.size], len(left) > page.size


def _suggested(
    request: HttpRequest, suggestion: Suggestion, iteration: Iteration, labels: Labels
) -> SuggestedTagAndRegion:
    return SuggestedTagAndRegion(
        id=suggestion.image.uid,
        project=iteration.project.uid,
        iteration=iteration.uid,
        created=utc(timezone.now()),
        predictions=predictions_out(suggestion.predictions, labels, has_type=has_tag_types(request)),
        prediction_uncertainty=suggestion.uncertainty,
    )


def _stored(
    request: HttpRequest, suggestion: Suggestion, iteration: Iteration, labels: Labels
) -> StoredSuggestedTagAndRegion:
    image, project = suggestion.image, iteration.project
    return StoredSuggestedTagAndRegion(
        **dict(_suggested(request, suggestion, iteration, labels)),
        **image_links(request, image, project.uid),
        width=image.picture.width,
        height=image.picture.height,
        domain=domain_of(project).id,
    )
