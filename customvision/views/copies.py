"""Copies of projects, by a token that one program gets and another may use."""

from uuid import UUID

from django.core import signing
from django.http import HttpRequest, HttpResponse
from ninja import Query

from customvision.errors import ApiError
from customvision.fields import Shape, reply
from customvision.lookups import check_name_is_free, check_opens_all, find_project
from customvision.routers import training as router
from customvision.schemas.exports import ProjectExport
from customvision.schemas.projects import ProjectOut
from training.exceptions import Refused
from training.models import Project
from training.services.project_copies import check_can_copy, copy_project, free_name

TOKEN_LIFE_S = 24 * 3600
_SALT = "customvision.projects"
_MS_AT_LEAST = 100
_MS_AN_IMAGE = 0.1


class Import(Shape):
    token: str
    name: str = ""


@router.get("/projects/{uuid:project_id}/export", response=ProjectExport)
def export_project(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Return what a copy would have, and the token that makes one within a day."""
    project = find_project(request, project_id)
    _check(project)
    if project.iterations.in_training().exists():
        raise ApiError("BadRequestExportWhileTraining", "The project is in training: wait for its end.")
    images = project.images.count()
    export = ProjectExport(
        iteration_count=project.iterations.trained_here().count(),
        image_count=images,
        tag_count=project.tags.count(),
        region_count=0,
        estimated_import_time_in_ms=round(_MS_AT_LEAST + _MS_AN_IMAGE * images),
        token=signing.dumps(project.uid.hex, salt=_SALT),
    )
    return reply(export)


@router.post("/projects/import", response=ProjectOut)
def import_project(request: HttpRequest, new: Query[Import]) -> HttpResponse:
    """Copy the project that the token is of; the copy is whole when this answers."""
    check_opens_all(request)
    project = _project_of(new.token)
    _check(project)
    if new.name:
        check_name_is_free(new.name)
    try:
        made = copy_project(project, name=new.name or free_name(project.name))
    except Refused as exc:
        raise ApiError("BadRequestProjectName", str(exc)) from exc
    return reply(ProjectOut.of(made))


def _check(project: Project) -> None:
    """Raise ApiError for a project that cannot be copied."""
    try:
        check_can_copy(project)
    except Refused as exc:
        raise ApiError("BadRequestOperationNotSupported", str(exc)) from exc


def _project_of(token: str) -> Project:
    """Return the project that the token was given for. Raises ApiError."""
    try:
        uid = UUID(signing.loads(token, salt=_SALT, max_age=TOKEN_LIFE_S))
    except signing.SignatureExpired as exc:
        raise ApiError("BadRequestInvalidImportToken", "The token has expired: export the project again.") from exc
    except signing.BadSignature as exc:
        raise ApiError("BadRequestInvalidImportToken", "The token is none that an export of a project gave.") from exc
    project = Project.objects.filter(uid=uid).first()
    if project is None:
        raise ApiError("BadRequestInvalidImportToken", "The project of this token has been deleted.")
    return project
