"""Packages of iterations, for programs that answer without Classifr."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query

from customvision.domains import domain_learned
from customvision.errors import ApiError
from customvision.exports import start_export
from customvision.fields import Shape, reply
from customvision.files import signed
from customvision.lookups import iteration_for, key_of
from customvision.models import Export
from customvision.routers import training as router
from customvision.schemas.exports import ExportOut
from engine.packages import FLAVORS
from training.models import Iteration


class NewExport(Shape):
    platform: str
    flavor: str = ""


@router.get("/projects/{uuid:project_id}/iterations/{uuid:iteration_id}/export", response=list[ExportOut])
def get_exports(request: HttpRequest, project_id: UUID, iteration_id: UUID) -> HttpResponse:
    """List the packages of an iteration, each with a link for a day once it is done."""
    iteration = iteration_for(request, project_id, iteration_id)
    return reply([_export_out(request, export) for export in Export.objects.filter(iteration=iteration).order_by("pk")])


@router.post("/projects/{uuid:project_id}/iterations/{uuid:iteration_id}/export", response=ExportOut)
def export_iteration(request: HttpRequest, project_id: UUID, iteration_id: UUID, new: Query[NewExport]) -> HttpResponse:
    """Have a package built."""
    iteration = iteration_for(request, project_id, iteration_id)
    platform, flavor = _target(new)
    _check(iteration)
    export = start_export(iteration=iteration, platform=platform, flavor=flavor, by=key_of(request).owner)
    if export is None:
        raise ApiError("BadRequestExportAlreadyInProgress", f"{iteration.uid} is already queued for export")
    return reply(ExportOut.of(export))


def _export_out(request: HttpRequest, export: Export) -> ExportOut:
    is_done = export.status == Export.Status.DONE
    return ExportOut.of(export, download_uri=signed(request, export.blob_key) if is_done else None)


def _target(new: NewExport) -> tuple[str, str]:
    """Return platform and flavor as we write them. Raises ApiError."""
    platform = _known(new.platform, list(FLAVORS))
    if platform is None:
        sentence = (
            f"Nothing is exported for {new.platform!r}; {' and '.join(FLAVORS)} are accepted. What runs on other "
            "platforms can be converted from the ONNX file."
        )
        raise ApiError("BadRequestExportValidationFailed", sentence)
    flavors = [name for name in FLAVORS[platform] if name]
    flavor = _known(new.flavor, ["", *flavors])
    if flavor is None:
        accepted = " or ".join(["no flavor", *flavors])
        sentence = f"{platform} has no flavor {new.flavor!r}; {accepted} is accepted."
        raise ApiError("BadRequestExportValidationFailed", sentence)
    return platform, flavor


def _known(given: str, names: list[str]) -> str | None:
    return next((name for name in names if name.lower() == given.lower()), None)


def _check(iteration: Iteration) -> None:
    """Raise ApiError for an iteration that cannot be exported."""
    domain = domain_learned(iteration)
    if not domain.is_exportable:
        sentence = f"{iteration.name} is of the domain {domain.name}: what is exported is called compact."
        raise ApiError("BadRequestUnsupportedDomain", sentence)
    if iteration.status != Iteration.Status.COMPLETED:
        raise ApiError("BadRequestIterationIsNotTrained", f"{iteration.name} is not trained.")
    if not iteration.head_key:
        raise ApiError("BadRequestExportValidationFailed", f"{iteration.name} was not trained here.")
