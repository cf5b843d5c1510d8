"""List, count and delete training images."""

from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query
from pydantic import Field

from customvision.errors import ApiError
from customvision.fields import Ids, Shape, Word, at_most, nothing, reply
from customvision.listings import MOST_IMAGES, ImagePage, images_out, listing
from customvision.lookups import find_project, key_of
from customvision.metadata import condition
from customvision.routers import training as router
from customvision.schemas.images import ImageOut
from training.models import Image, ImageQuerySet
from training.services.images import discard_images
from training.uploads import TAGS_A_BATCH

_STATUSES = {"All": None, "Tagged": True, "Untagged": False}


class OfIteration(Shape):
    iteration_id: UUID | None = None


class WithTags(OfIteration):
    tag_ids: Ids = []


class Chosen(WithTags):
    tagging_status: Word = "All"
    filter: Annotated[str, Field(alias="$filter")] = ""

    @property
    def is_tagged(self) -> bool | None:
        """Raises ApiError."""
        if self.tagging_status not in _STATUSES:
            sentence = f"taggingStatus is {self.tagging_status!r}; All, Tagged and Untagged are accepted."
            raise ApiError("BadRequest", sentence)
        return _STATUSES[self.tagging_status]


class ById(OfIteration):
    image_ids: Ids = []


class Deleted(Shape):
    image_ids: Ids = []
    all_images: bool = False
    all_iterations: bool = False
    """Makes no difference: an image that is deleted is in no list of any iteration."""


@router.get("/projects/{uuid:project_id}/images", response=list[ImageOut])
def get_images(request: HttpRequest, project_id: UUID, chosen: Query[Chosen], page: Query[ImagePage]) -> HttpResponse:
    """List images."""
    at_most(TAGS_A_BATCH, chosen.tag_ids, "tagIds")
    project, images = listing(request, project_id, chosen.iteration_id)
    rows = images.images(is_tagged=chosen.is_tagged, tag_uids=chosen.tag_ids)
    return reply(images_out(request, project, images, page.cut(_filtered(rows, chosen.filter))))


@router.get("/projects/{uuid:project_id}/images/count", response=int)
def get_image_count(request: HttpRequest, project_id: UUID, chosen: Query[Chosen]) -> HttpResponse:
    """Count images."""
    _project, images = listing(request, project_id, chosen.iteration_id)
    rows = images.images(is_tagged=chosen.is_tagged, tag_uids=chosen.tag_ids)
    return reply(_filtered(rows, chosen.filter).count())


@router.get("/projects/{uuid:project_id}/images/tagged", response=list[ImageOut])
def get_tagged_images(
    request: HttpRequest, project_id: UUID, chosen: Query[WithTags], page: Query[ImagePage]
) -> HttpResponse:
    """List images that have tags, or one of these tags."""
    at_most(TAGS_A_BATCH, chosen.tag_ids, "tagIds")
    project, images = listing(request, project_id, chosen.iteration_id)
    rows = images.images(is_tagged=True, tag_uids=chosen.tag_ids)
    return reply(images_out(request, project, images, page.cut(rows)))


@router.get("/projects/{uuid:project_id}/images/tagged/count", response=int)
def get_tagged_image_count(request: HttpRequest, project_id: UUID, chosen: Query[WithTags]) -> HttpResponse:
    """Count images that have tags, or one of these tags."""
    _project, images = listing(request, project_id, chosen.iteration_id)
    return reply(images.images(is_tagged=True, tag_uids=chosen.tag_ids).count())


@router.get("/projects/{uuid:project_id}/images/untagged", response=list[ImageOut])
def get_untagged_images(
    request: HttpRequest, project_id: UUID, chosen: Query[OfIteration], page: Query[ImagePage]
) -> HttpResponse:
    """List images that have no tags."""
    project, images = listing(request, project_id, chosen.iteration_id)
    return reply(images_out(request, project, images, page.cut(images.images(is_tagged=False))))


@router.get("/projects/{uuid:project_id}/images/untagged/count", response=int)
def get_untagged_image_count(request: HttpRequest, project_id: UUID, chosen: Query[OfIteration]) -> HttpResponse:
    """Count images that have no tags."""
    _project, images = listing(request, project_id, chosen.iteration_id)
    return reply(images.images(is_tagged=False).count())


@router.get("/projects/{uuid:project_id}/images/id", response=list[ImageOut])
def get_images_by_ids(request: HttpRequest, project_id: UUID, chosen: Query[ById]) -> HttpResponse:
    """List the images of these ids that are there, the oldest first as the service does."""
    at_most(MOST_IMAGES, chosen.image_ids, "imageIds")
    project, images = listing(request, project_id, chosen.iteration_id)
    rows = images.images().filter(uid__in=chosen.image_ids).order_by("pk")
    return reply(images_out(request, project, images, rows))


@router.delete("/projects/{uuid:project_id}/images", response={204: None})
def delete_images(request: HttpRequest, project_id: UUID, chosen: Query[Deleted]) -> HttpResponse:
    """Delete images; those that are gone already are no error, as a program may have to ask twice."""
    project = find_project(request, project_id)
    at_most(MOST_IMAGES, chosen.image_ids, "imageIds")
    if bool(chosen.image_ids) == chosen.all_images:
        raise ApiError("BadRequestRequiredParamIsNull", "Name the images in imageIds, or say allImages=true; not both.")
    rows = Image.objects.filter(project=project)
    if chosen.image_ids:
        rows = rows.filter(uid__in=chosen.image_ids)
    discard_images(project, rows, by=key_of(request).owner)
    return nothing()


def _filtered(rows: ImageQuerySet, expression: str) -> ImageQuerySet:
    return rows.filter(condition(expression)) if expression else rows
