"""Tags of a project."""

from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query

from customvision.api_description import takes
from customvision.bodies import read_json
from customvision.errors import ApiError, not_found
from customvision.fields import Shape, Word, nothing, reply
from customvision.listings import remembered
from customvision.lookups import find_project, find_tag
from customvision.routers import training as router
from customvision.schemas.projects import TagIn, TagOut
from training.exceptions import CannotConvert, Refused
from training.models import Project, Tag
from training.names import same_name
from training.services import projects as services

IterationId = Annotated[UUID | None, Query(alias="iterationId")]


class NewTag(Shape):
    name: str
    description: str = ""
    type: Word = Tag.Type.REGULAR


@router.get("/projects/{uuid:project_id}/tags", response=list[TagOut])
def get_tags(request: HttpRequest, project_id: UUID, iteration_id: IterationId = None) -> HttpResponse:
    """List the tags, with the number of images that each has now, or had in that iteration."""
    project = find_project(request, project_id)
    if iteration_id:
        return reply(_remembered(project, iteration_id))
    return reply([TagOut.of(tag) for tag in project.tags.with_image_counts()])


@router.post("/projects/{uuid:project_id}/tags", response=TagOut)
def create_tag(request: HttpRequest, project_id: UUID, new: Query[NewTag]) -> HttpResponse:
    """Make a tag."""
    project = find_project(request, project_id)
    _check_type(project, new.type)
    if project.tags.count() >= services.MOST_TAGS:
        raise ApiError("BadRequestExceedTagPerProjectLimit", f"A project has at most {services.MOST_TAGS} tags.")
    try:
        made, there = services.create_tags(
            project=project, names=[new.name], type=new.type, description=new.description
        )
    except Refused as exc:
        raise ApiError("BadRequestTagName", str(exc)) from exc
    if there:
        raise _taken(new.name)
    return reply(TagOut.of(made[0]))


@router.get("/projects/{uuid:project_id}/tags/{uuid:tag_id}", response=TagOut)
def get_tag(request: HttpRequest, project_id: UUID, tag_id: UUID, iteration_id: IterationId = None) -> HttpResponse:
    """Return one tag, as it is now or as that iteration knows it."""
    project = find_project(request, project_id)
    if iteration_id is None:
        return reply(TagOut.of(find_tag(project, tag_id)))
    tags = [tag for tag in _remembered(project, iteration_id) if tag.id == tag_id]
    if not tags:
        raise not_found("Tag")
    return reply(tags[0])


@router.patch("/projects/{uuid:project_id}/tags/{uuid:tag_id}", response=TagOut)
@takes(TagIn)
def update_tag(request: HttpRequest, project_id: UUID, tag_id: UUID) -> HttpResponse:
    """Change what is sent of a tag: name, description, type."""
    project = find_project(request, project_id)
    tag = find_tag(project, tag_id)
    change = read_json(request, TagIn)
    if change.type not in (None, tag.type):
        _check_type(project, change.type)
    others = project.tags.exclude(pk=tag.pk).values_list("name", flat=True)
    if change.name is not None and any(same_name(change.name) == same_name(name) for name in others):
        raise _taken(change.name)
    try:
        services.change_tag(tag, name=change.name, description=change.description, type=change.type)
    except CannotConvert as exc:
        raise ApiError("BadRequestTagType", str(exc)) from exc
    except Refused as exc:
        raise ApiError("BadRequestTagName", str(exc)) from exc
    return reply(TagOut.of(find_tag(project, tag_id)))


@router.delete("/projects/{uuid:project_id}/tags/{uuid:tag_id}", response={204: None})
def delete_tag(request: HttpRequest, project_id: UUID, tag_id: UUID) -> HttpResponse:
    """Delete a tag; its images stay, without it."""
    services.delete_tag(find_tag(find_project(request, project_id), tag_id))
    return nothing()


def _remembered(project: Project, iteration_id: UUID) -> list[TagOut]:
    """Return the tags of that iteration; only descriptions are those of now."""
    then = remembered(project, iteration_id)
    counts = then.counts()
    descriptions = dict(project.tags.values_list("uid", "description"))
    return [
        TagOut(
            id=label.uid,
            name=label.name,
            description=descriptions.get(label.uid) or None,
            type=label.type,
            image_count=counts[label.uid],
        )
        for label in then.labels
    ]


def _check_type(project: Project, name: str) -> None:
    if name not in Tag.Type.values:
        raise ApiError("BadRequestTagType", f"The tag's type is {name!r}; Regular and Negative are accepted.")
    if name == Tag.Type.NEGATIVE and project.tags.filter(type=Tag.Type.NEGATIVE).exists():
        raise ApiError("BadRequestMultipleNegativeTag", "The project has a negative tag already.")


def _taken(name: str) -> ApiError:
    return ApiError("BadRequestTagNameNotUnique", f"The project has a tag {name!r} already.")
