"""Iterations of a project: trained, listed, published, deleted."""

from dataclasses import replace
from typing import Annotated, Any, Literal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse
from ninja import Query
from pydantic import BeforeValidator, Field

from customvision.api_description import takes
from customvision.bodies import read_json
from customvision.domains import domain_learned, domain_of
from customvision.errors import ApiError
from customvision.fields import Shape, nothing, reply
from customvision.lookups import find_iteration, find_project, iteration_for, key_of
from customvision.routers import training as router
from customvision.schemas.iterations import CustomBaseModelInfo, IterationIn, IterationOut, TrainingParameters
from training.backends.base import TrainingOptions
from training.exceptions import IsPublished, NameTaken, NothingChanged, Refused, TooLittleData
from training.models import Iteration, Project
from training.services import learning, publishing

_TOO_LITTLE_DATA = {
    Project.Type.MULTICLASS: "BadRequestMultiClassClassificationTrainingValidationFailed",
    Project.Type.MULTILABEL: "BadRequestMultiLabelClassificationTrainingValidationFailed",
}
_MOST_HOURS = 2**31 - 1  # clients with types read no more


class TrainingQuery(Shape):
    training_type: Annotated[Literal["Regular", "Advanced"], BeforeValidator(str.capitalize)] = "Regular"
    reserved_budget_in_hours: int = Field(0, ge=0, le=_MOST_HOURS)
    force_train: bool = False
    notification_email_address: str = ""


class PublishQuery(Shape):
    publish_name: str = ""
    prediction_id: str | None = None
    overwrite: bool = False


@router.post("/projects/{uuid:project_id}/train", response=IterationOut)
@takes(TrainingParameters)
def train_project(request: HttpRequest, project_id: UUID, asked: Query[TrainingQuery]) -> HttpResponse:
    """Start a training; the iteration's status says when it is over.

    Here an advanced training is like any other; for a project at Azure it is Azure's, and costs what it asks. Nobody is
    written to at the end. A base model is checked and returned; nothing is taken from it, as a head is always new.
    """
    project = find_project(request, project_id)
    parameters = read_json(request, TrainingParameters)
    _check_email(asked.notification_email_address)
    settings: dict[str, Any] = {"domainId": str(domain_of(project).id), "classificationType": project.type}
    if base := parameters.custom_base_model_info:
        _check_base(request, base, project)
        settings["customBaseModelInfo"] = base.model_dump(mode="json", by_alias=True)
    options = TrainingOptions(
        tags=_names(project, parameters.selected_tags or []),
        force=asked.force_train,
        advanced=asked.training_type == "Advanced",
        reserved_hours=asked.reserved_budget_in_hours,
    )
    by = key_of(request).owner
    try:
        iteration = learning.start_training(project=project, options=options, by=by, api_settings=settings)
    except TooLittleData as exc:
        raise ApiError(_TOO_LITTLE_DATA[Project.Type(project.type)], str(exc)) from exc
    except NothingChanged as exc:
        raise ApiError("BadRequestTrainingNotNeeded", "Nothing changed since last training") from exc
    return reply(IterationOut.of(iteration))


@router.get("/projects/{uuid:project_id}/iterations", response=list[IterationOut])
def get_iterations(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """List the iterations, the oldest first as the service does: what precedes the last one is the previous one."""
    project = find_project(request, project_id)
    iterations = project.iterations.order_by("number").defer("metrics", "labels")
    return reply([IterationOut.of(iteration) for iteration in iterations])


@router.get("/projects/{uuid:project_id}/iterations/{uuid:iteration_id}", response=IterationOut)
def get_iteration(request: HttpRequest, project_id: UUID, iteration_id: UUID) -> HttpResponse:
    """Return one iteration."""
    return reply(IterationOut.of(iteration_for(request, project_id, iteration_id)))


@router.patch("/projects/{uuid:project_id}/iterations/{uuid:iteration_id}", response=IterationOut)
@takes(IterationIn)
def update_iteration(request: HttpRequest, project_id: UUID, iteration_id: UUID) -> HttpResponse:
    """Give an iteration another name."""
    iteration = iteration_for(request, project_id, iteration_id)
    try:
        learning.rename_iteration(iteration, name=read_json(request, IterationIn).name or "")
    except NameTaken:
        raise
    except Refused as exc:
        raise ApiError("BadRequestIterationName", str(exc)) from exc
    return reply(IterationOut.of(iteration))


@router.delete("/projects/{uuid:project_id}/iterations/{uuid:iteration_id}", response={204: None})
def delete_iteration(request: HttpRequest, project_id: UUID, iteration_id: UUID) -> HttpResponse:
    """Delete an iteration that is neither published nor in training."""
    learning.delete_iteration(iteration_for(request, project_id, iteration_id))
    return nothing()


@router.post("/projects/{uuid:project_id}/iterations/{uuid:iteration_id}/publish", response=bool)
def publish_iteration(
    request: HttpRequest, project_id: UUID, iteration_id: UUID, asked: Query[PublishQuery]
) -> HttpResponse:
    """Let an iteration answer under a name, beside the others, and on the page.

    The prediction resource is returned as it was sent; it is always this server that answers.
    """
    iteration = iteration_for(request, project_id, iteration_id)
    if not asked.publish_name.strip() or asked.prediction_id is None:
        missing = "publishName" if asked.prediction_id is not None else "predictionId"
        raise ApiError("BadRequestRequiredParamIsNull", f"{missing} is missing.")
    if not asked.prediction_id.strip() or not asked.prediction_id.isprintable():
        sentence = f"predictionId is {asked.prediction_id!r}; it names the prediction resource."
        raise ApiError("BadRequestInvalidPublishTarget", sentence)
    try:
        publishing.publish(
            iteration=iteration,
            by=key_of(request).owner,
            name=asked.publish_name,
            policy=replace(publishing.BESIDE, overwrite=asked.overwrite),
            api_settings={"originalPublishResourceId": asked.prediction_id},
        )
    except IsPublished as exc:
        sentence = f"Iteration is already published as: {iteration.publish_name}"
        raise ApiError("BadRequestIterationIsPublished", sentence) from exc
    is_published = True
    return reply(is_published)


@router.delete("/projects/{uuid:project_id}/iterations/{uuid:iteration_id}/publish", response={204: None})
def unpublish_iteration(request: HttpRequest, project_id: UUID, iteration_id: UUID) -> HttpResponse:
    """Let an iteration no longer answer; if the page used it, it uses what was published before and still is."""
    publishing.unpublish(iteration=iteration_for(request, project_id, iteration_id), by=key_of(request).owner)
    return nothing()


def _names(project: Project, ids: list[UUID]) -> tuple[str, ...]:
    """Return the names of the tags with these ids. Raises ApiError."""
    names = dict(project.tags.filter(uid__in=ids).values_list("uid", "name"))
    if unknown := [str(uid) for uid in ids if uid not in names]:
        raise ApiError("BadRequestInvalidIds", f"selectedTags has ids of no tag of the project: {', '.join(unknown)}.")
    return tuple(names.values())


def _check_email(address: str) -> None:
    try:
        if address:
            validate_email(address)
    except ValidationError as exc:
        sentence = f"notificationEmailAddress is {address!r}, which is no e-mail address."
        raise ApiError("BadRequestInvalidEmailAddress", sentence) from exc


def _check_base(request: HttpRequest, base: CustomBaseModelInfo, project: Project) -> None:
    """Raise ApiError for a base model that this key does not open, or that could be none."""
    iteration = find_iteration(find_project(request, base.project_id), base.iteration_id)
    if iteration.status != Iteration.Status.COMPLETED:
        sentence = f"The base model's status is {iteration.status}; Completed is accepted."
        raise ApiError("BadRequestCustomBaseModelIterationStatusNotCompleted", sentence)
    domain = domain_learned(iteration)
    if domain.backbone_domain != project.domain:
        sentence = f"The base model's domain is {domain.name}; the project's is {domain_of(project).name}."
        raise ApiError("BadRequestCustomBaseModelDomainNotCompatible", sentence)
