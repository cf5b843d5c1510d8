"""Find what a request is about, as far as its key opens it."""

from http import HTTPStatus
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import ApiKey
from classifier.backends import get_backend
from customvision.errors import ApiError, not_found
from training.models import Iteration, Project, Tag
from training.names import same_name


def key_of(request: HttpRequest) -> ApiKey:
    """Return the key by which the request was let in."""
    key: ApiKey = request.auth  # type: ignore[attr-defined]  # set by django-ninja
    return key


def projects_for(request: HttpRequest) -> QuerySet[Project]:
    """Return the projects that the key opens."""
    only = key_of(request).project_uid
    return Project.objects.filter(uid=only) if only else Project.objects.all()


def find_project(request: HttpRequest, uid: UUID) -> Project:
    """Return the project. Raises ApiError."""
    project = projects_for(request).filter(uid=uid).first()
    if project is None:
        raise not_found("Project")
    return project


def check_opens_all(request: HttpRequest) -> None:
    """Raise ApiError for a key of one project, which can make no other."""
    if key_of(request).project_uid:
        sentence = "This key opens one project and makes none."
        raise ApiError("ForbiddenUserInsufficientCapability", sentence, status=HTTPStatus.FORBIDDEN)


def check_name_is_free(name: str) -> None:
    """Raise ApiError where a project has the name, whether the key opens that one or not."""
    if any(same_name(name) == same_name(known) for known in Project.objects.values_list("name", flat=True)):
        raise ApiError("BadRequestProjectNameNotUnique", f"There is a project {name!r} already.")


def find_tag(project: Project, uid: UUID) -> Tag:
    """Return a tag of the project. Raises ApiError."""
    tag = project.tags.with_image_counts().filter(uid=uid).first()
    if tag is None:
        raise not_found("Tag")
    tag.project = project
    return tag


def find_iteration(project: Project, uid: UUID) -> Iteration:
    """Return an iteration of the project. Raises ApiError."""
    iteration = project.iterations.filter(uid=uid).first()
    if iteration is None:
        raise not_found("Iteration")
    iteration.project = project
    return iteration


def iteration_for(request: HttpRequest, project_uid: UUID, uid: UUID) -> Iteration:
    """Return the iteration that an address names, with its project. Raises ApiError."""
    return find_iteration(find_project(request, project_uid), uid)


def find_trained(project: Project, uid: UUID) -> Iteration:
    """Return a completed iteration of the project. Raises ApiError."""
    iteration = find_iteration(project, uid)
    if iteration.status != Iteration.Status.COMPLETED:
        sentence = f"{iteration.name} is not trained: its status is {iteration.status}."
        raise ApiError("BadRequestIterationIsNotTrained", sentence)
    if not iteration.head_key and get_backend(project.backend).needs_head:
        raise ApiError("BadRequestNotSupported", f"{iteration.name} was not trained here: it answers nothing.")
    return iteration
