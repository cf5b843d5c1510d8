"""Find what a request is about, as far as its key opens it."""

from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import ApiKey
from customvision.errors import ApiError, not_found
from training.models import Iteration, Project, Tag


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
    found = projects_for(request).filter(uid=uid).first()
    if found is None:
        raise not_found("Project")
    return found


def find_tag(project: Project, uid: UUID) -> Tag:
    """Return a tag of the project. Raises ApiError."""
    found = project.tags.with_image_counts().filter(uid=uid).first()
    if found is None:
        raise not_found("Tag")
    found.project = project
    return found


def find_iteration(project: Project, uid: UUID) -> Iteration:
    """Return an iteration of the project. Raises ApiError."""
    found = project.iterations.filter(uid=uid).first()
    if found is None:
        raise not_found("Iteration")
    found.project = project
    return found


def find_trained(project: Project, uid: UUID) -> Iteration:
    """Return a completed iteration of the project. Raises ApiError."""
    found = find_iteration(project, uid)
    if found.status != Iteration.Status.COMPLETED:
        sentence = f"{found.name} is not trained: its status is {found.status}."
        raise ApiError("BadRequestIterationIsNotTrained", sentence)
    if project.backend == "local" and not found.head_key:
        raise ApiError("BadRequestNotSupported", f"{found.name} was not trained here: it answers nothing.")
    return found
