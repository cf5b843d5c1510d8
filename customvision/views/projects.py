"""Domains, and projects from their creation to their end."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query

from customvision.api_description import takes
from customvision.bodies import read_json
from customvision.domains import DOMAINS, GENERAL, NAMED_PLATFORMS, Domain
from customvision.errors import ApiError, not_found
from customvision.fields import Names, Shape, Word, nothing, reply
from customvision.lookups import check_name_is_free, check_opens_all, find_project, key_of, projects_for
from customvision.routers import training as router
from customvision.schemas.projects import DomainOut, ProjectIn, ProjectOut
from training.exceptions import CannotConvert, Refused
from training.models import Project
from training.names import same_name
from training.services import projects as services


class NewProject(Shape):
    name: str
    description: str = ""
    domain_id: UUID = GENERAL
    classification_type: Word = Project.Type.MULTILABEL
    target_export_platforms: Names = []


@router.get("/domains", response=list[DomainOut])
def get_domains(request: HttpRequest) -> HttpResponse:
    """List the domains."""
    return reply([DomainOut.of(domain) for domain in DOMAINS.values()])


@router.get("/domains/{uuid:domain_id}", response=DomainOut)
def get_domain(request: HttpRequest, domain_id: UUID) -> HttpResponse:
    """Return one domain."""
    if domain_id not in DOMAINS:
        raise not_found("Domain")
    return reply(DomainOut.of(DOMAINS[domain_id]))


@router.get("/projects", response=list[ProjectOut])
def get_projects(request: HttpRequest) -> HttpResponse:
    """List the projects that the key opens, the newest first."""
    return reply([ProjectOut.of(project) for project in projects_for(request).order_by("-pk")])


@router.post("/projects", response=ProjectOut)
def create_project(request: HttpRequest, new: Query[NewProject]) -> HttpResponse:
    """Make a project."""
    check_opens_all(request)
    domain = _domain(new.domain_id)
    _check_type(new.classification_type)
    _check_platforms(new.target_export_platforms)
    check_name_is_free(new.name)
    try:
        project = services.create_project(
            name=new.name,
            description=new.description,
            domain=domain.backbone_domain,
            type=new.classification_type,
            api_settings={"domainId": str(domain.id), "targetExportPlatforms": new.target_export_platforms},
        )
    except Refused as exc:
        raise ApiError("BadRequestProjectName", str(exc)) from exc
    return reply(ProjectOut.of(project))


@router.get("/projects/{uuid:project_id}", response=ProjectOut)
def get_project(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Return one project."""
    return reply(ProjectOut.of(find_project(request, project_id)))


@router.patch("/projects/{uuid:project_id}", response=ProjectOut)
@takes(ProjectIn)
def update_project(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Change what is sent of a project: name, description, domain, type, export platforms."""
    project = find_project(request, project_id)
    change = read_json(request, ProjectIn)
    settings = dict(project.api_settings)
    domain = type_ = None
    if change.name is not None and same_name(change.name) != same_name(project.name):
        check_name_is_free(change.name)
    if wanted := change.settings:
        if wanted.domain_id is not None:
            chosen = _domain(wanted.domain_id)
            domain, settings["domainId"] = chosen.backbone_domain, str(chosen.id)
        if wanted.classification_type is not None:
            _check_type(wanted.classification_type)
            type_ = wanted.classification_type
        if wanted.target_export_platforms is not None:
            _check_platforms(wanted.target_export_platforms)
            settings["targetExportPlatforms"] = wanted.target_export_platforms
    try:
        services.change_project(
            project,
            name=change.name,
            description=change.description,
            domain=domain,
            type=type_,
            api_settings=settings,
        )
    except CannotConvert:
        raise
    except Refused as exc:
        raise ApiError("BadRequestProjectName", str(exc)) from exc
    return reply(ProjectOut.of(project))


@router.delete("/projects/{uuid:project_id}", response={204: None})
def delete_project(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Delete a project of which nothing is published."""
    project = find_project(request, project_id)
    if project.iterations.published().exists():
        sentence = "The project has published iterations: unpublish them first."
        raise ApiError("BadRequestIterationIsPublished", sentence)
    services.delete_project(project, by=key_of(request).owner)
    return nothing()


def _domain(uid: UUID) -> Domain:
    if uid not in DOMAINS:
        names = ", ".join(f"{domain.name} {domain.id}" for domain in DOMAINS.values())
        raise ApiError("BadRequestProjectUnknownDomain", f"There is no classification domain {uid}; there are {names}.")
    return DOMAINS[uid]


def _check_type(name: str) -> None:
    if name not in Project.Type.values:
        sentence = f"The classification type is {name!r}; Multiclass and Multilabel are accepted."
        raise ApiError("BadRequestProjectUnknownClassification", sentence)


def _check_platforms(names: list[str]) -> None:
    if unknown := [name for name in names if name not in NAMED_PLATFORMS]:
        sentence = f"There is no platform {', '.join(unknown)}; {', '.join(NAMED_PLATFORMS)} are accepted."
        raise ApiError("BadRequestProjectUnsupportedExportPlatform", sentence)
