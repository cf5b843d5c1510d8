"""What the views of this room say and look up alike."""

import logging
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.exceptions import StorageUnavailable
from engine.exceptions import ModelFileError
from training import evaluation
from training.exceptions import TooLittleData, TrainingError
from training.figures import ENOUGH_TO_CALIBRATE
from training.models import Iteration, Project
from web.typing import View

logger = logging.getLogger(__name__)

MOST_NAMES = 5
"""In a sentence; more are folded."""
TROUBLE = (TrainingError, StorageUnavailable, ModelFileError)
"""What services raise that a page can say in a sentence."""


def trouble_sentence(exc: Exception) -> str:
    """Return what the person reads of one of TROUBLE, many names folded; the log has the rest."""
    if isinstance(exc, TooLittleData) and len(exc.names) > MOST_NAMES:
        return render_to_string("training/_folded.html", {"sentence": exc.short, "names": exc.names})
    if isinstance(exc, TrainingError):
        return str(exc)
    logger.warning("Page in trouble: %s", exc, exc_info=exc)
    if isinstance(exc, StorageUnavailable):
        return _("The storage does not answer at the moment. Try again in a minute.")
    return _("A model file cannot be used: %(reason)s") % {"reason": exc}


def leading_to_project(sentence: str | Promise, *, to: str) -> Callable[[View], View]:
    """Where the view answers 404 and its project is there, say in its place what is gone and lead to that tab."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, pk: int, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                return view(request, pk, *args, **kwargs)
            except Http404:
                project = project_or_404(pk)
                context = {"project": project, "sentence": sentence, "url": reverse(to, args=[pk])}
                return render(request, "training/gone.html", context, status=HTTPStatus.NOT_FOUND)

        return guarded

    return decorate


of_image = leading_to_project(
    gettext_lazy("This image was deleted, or it never was in this project."), to="training:images"
)
of_tag = leading_to_project(gettext_lazy("This tag was deleted, or it never was in this project."), to="training:tags")
of_iteration = leading_to_project(
    gettext_lazy("This iteration was deleted, or it never was in this project."), to="training:iterations"
)


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
