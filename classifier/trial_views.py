"""The page on which an iteration is tried before it is published: its answer beside the live one's."""

import logging
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.access import UserRequest, developer_required
from catalog.refusals import refusal_sentence
from classifier import services
from classifier.backends import get_backend
from classifier.exceptions import BackendMisconfigured, BackendUnavailable
from classifier.forms import OnePhotoForm
from classifier.models import Prediction
from engine import images
from engine.exceptions import RefusedPicture
from training.models import Iteration
from web.takes import Rate, Takes, is_signed_in, limited_to

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tried:
    """What one of the two iterations made of a photo."""

    iteration: Iteration
    prediction: Prediction | None = None
    """Not stored."""
    failure: str = ""
    """The sentence that stands in its place."""


@limited_to(Takes(images.PAGE_PHOTO.max_bytes, rate=Rate("photos"), admits=is_signed_in))
@developer_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def trial(request: UserRequest, pk: int, number: int) -> HttpResponseBase:
    """Let a completed iteration answer photos beside the live one: our script sends them one by one."""
    known = Iteration.objects.select_related("project__live_iteration")
    iteration = get_object_or_404(known, project_id=pk, number=number)
    if iteration.status != Iteration.Status.COMPLETED:
        messages.error(request, _("Only a completed iteration can be tried."))
        return redirect("training:iteration", pk=pk, number=number)
    form = OnePhotoForm(request.POST, request.FILES) if request.method == "POST" else OnePhotoForm()
    tried = _tried(form, iteration) if form.is_valid() else []
    live = iteration.project.live_iteration
    context = {
        "iteration": iteration,
        "project": iteration.project,
        "live": live if live != iteration else None,
        "is_live": live == iteration,
        "form": form,
        "tried": tried,
        "differs": len({each.prediction.top_tag for each in tried if each.prediction}) > 1,
        "name": getattr(request.FILES.get("photo"), "name", ""),
        "obstacle": _obstacle(iteration),
    }
    return render(request, "classifier/_trial_card.html" if request.htmx else "classifier/trial.html", context)


def _tried(form: OnePhotoForm, iteration: Iteration) -> list[Tried]:
    """Return what the iteration and the live one say; nothing for a photo that is refused, which the form then says."""
    photo: images.AdmittedPicture = form.cleaned_data.pop("photo")  # or the form would keep it in memory
    live = iteration.project.live_iteration
    others = [live] if live and live != iteration else []
    try:
        return [_ask(each, photo) for each in [iteration, *others]]
    except RefusedPicture as exc:
        form.add_error("photo", refusal_sentence(exc))
        return []


def _ask(iteration: Iteration, photo: images.AdmittedPicture) -> Tried:
    try:
        return Tried(iteration, services.try_iteration(photo=photo, iteration=iteration))
    except BackendUnavailable as exc:
        logger.warning("Trial unavailable iteration=%s: %s", iteration.pk, exc, exc_info=exc)
        return Tried(iteration, failure=_("It cannot be reached at the moment. Try again in a minute."))
    except BackendMisconfigured as exc:
        logger.warning("Trial misconfigured iteration=%s: %s", iteration.pk, exc, exc_info=exc)
        return Tried(iteration, failure=_("It cannot answer: %(reason)s") % {"reason": exc})


def _obstacle(iteration: Iteration) -> str:
    """Say why the iteration cannot be asked here at all; "" where it can."""
    if get_backend(iteration.project.backend).needs_head and not iteration.head_key:
        return _("%(name)s was not trained here: it cannot be asked.") % {"name": iteration.name}
    return ""
