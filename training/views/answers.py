"""What the views of this room say and look up alike."""

import logging
from typing import Any

from django.forms import Form
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from catalog.exceptions import StorageUnavailable
from engine.exceptions import ModelFileError
from training import evaluation
from training.exceptions import TrainingError
from training.figures import ENOUGH_TO_CALIBRATE
from training.models import Iteration, Project

logger = logging.getLogger(__name__)

TROUBLE = (TrainingError, StorageUnavailable, ModelFileError)
"""What services raise that a page can say in a sentence."""


def trouble_sentence(exc: Exception) -> str:
    """Return what the person reads of one of TROUBLE; the log has the rest."""
    if isinstance(exc, TrainingError):
        return str(exc)
    logger.warning("Page in trouble: %s", exc, exc_info=exc)
    if isinstance(exc, StorageUnavailable):
        return _("The storage does not answer at the moment. Try again in a minute.")
    return _("A model file cannot be used: %(reason)s") % {"reason": exc}


def form_sentence(form: Form) -> str:
    """Return all that a form has against its fields, as one line."""
    return " ".join(str(message) for found in form.errors.values() for message in found)


def wants_json(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "").startswith("application/json")


def project_or_404(pk: int) -> Project:
    return get_object_or_404(Project.objects.select_related("live_iteration"), pk=pk)


def iteration_or_404(pk: int, number: int) -> Iteration:
    """Return an iteration by its project's key and its own number."""
    known = Iteration.objects.select_related("project__live_iteration", "created_by")
    return get_object_or_404(known, project_id=pk, number=number)


def notices(iteration: Iteration) -> dict[str, Any]:
    """Return what one must know before one believes the figures, as _notices.html shows it."""
    measures_itself = iteration.remote_id is not None and not iteration.snapshot_key
    is_completed = iteration.status == Iteration.Status.COMPLETED
    flags = {
        "is_optimistic": bool(iteration.metrics.get("is_optimistic")),
        "is_cross_validated": bool(iteration.metrics.get("is_cross_validated")),
        "measures_itself": is_completed and measures_itself,
        "is_without_pictures": is_completed and not measures_itself and not iteration.snapshot_key,
        "has_slider": is_completed and (measures_itself or bool(iteration.snapshot_key)),
    }
    return {
        "notices": flags,
        "least_to_calibrate": ENOUGH_TO_CALIBRATE,
        "not_measured": iteration.metrics.get("not_measured", ""),
        "why_optimistic": _(evaluation.WHY_OPTIMISTIC),
    }
