"""Verdicts, their confirmation, and the reviewers' page "Prédiction erronée"."""

import logging

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import UserRequest, next_url, reviewer_required
from accounts.paging import page_by_key
from catalog.exceptions import StorageUnavailable
from classifier.models import Prediction
from feedback import services
from feedback.forms import ReviewFilterForm, RightTagForm, VerdictForm
from feedback.models import Misprediction, Verdict

logger = logging.getLogger(__name__)

PAGE_SIZE = 24
NOTHING = gettext_lazy("Nothing to delete: choose at least one photo, perhaps they are gone already.")


@login_required
@require_POST
def give(request: UserRequest, pk: int) -> HttpResponseBase:
    """Take a verdict, then confirm it."""
    prediction = get_object_or_404(Prediction.objects.visible_to(request.user), pk=pk)
    form = VerdictForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("A verdict is OK or NOK."))
        return redirect("classifier:prediction", pk=pk)
    value = Verdict.Value(form.cleaned_data["verdict"])
    verdict, is_new = services.give_verdict(prediction=prediction, value=value, by=request.user)
    if is_new and value == Verdict.Value.NOK and not hasattr(verdict, "misprediction"):
        messages.warning(request, _("The photo had expired and could not be kept: send it again if you can."))
    if request.htmx:
        return render(request, "feedback/_given.html", {"prediction": prediction, "verdict": verdict})
    if verdict.value != value:
        messages.warning(
            request, _("You had already answered %(value)s; that answer stands.") % {"value": verdict.value}
        )
    return redirect("feedback:confirmation", pk=pk)


@login_required
@never_cache
@require_safe
def confirmation(request: UserRequest, pk: int) -> HttpResponse:
    """Say that the verdict counted; after NOK, ask what it was."""
    return _confirmation(request, _own_verdict(request, pk), None)


@login_required
@require_POST
def correct(request: UserRequest, pk: int) -> HttpResponseBase:
    """Take the right tag and a comment for a photo that was called wrong."""
    verdict = _own_verdict(request, pk)
    misprediction = get_object_or_404(Misprediction, verdict=verdict)
    form = RightTagForm(request.POST, prediction=verdict.prediction)
    if not form.is_valid():
        return _confirmation(request, verdict, form)
    services.name_right_tag(misprediction=misprediction, **form.cleaned_data)
    messages.success(request, _("Thank you, your correction is kept."))
    return redirect("feedback:confirmation", pk=pk)


@reviewer_required
@never_cache
@require_safe
def mispredictions(request: UserRequest) -> HttpResponse:
    """List the wrong predictions, newest first, a page at a time by key."""
    filters = ReviewFilterForm(request.GET)
    page = page_by_key(request, filters.apply().with_pictures(), size=PAGE_SIZE)
    context = {
        "page": page.rows,
        "filters": filters,
        "is_filtered": any(filters.cleaned_data.values()),
        "first_url": page.first_url,
        "next_url": page.next_url,
    }
    return render(request, "feedback/mispredictions.html", context)


@reviewer_required
@never_cache
@require_safe
def misprediction(request: UserRequest, pk: int) -> HttpResponse:
    """Show one wrong prediction whole."""
    found = get_object_or_404(Misprediction.objects.with_pictures(), pk=pk)
    context = {"misprediction": found, "rows": found.rows, "back_url": reverse("feedback:mispredictions")}
    return render(request, "feedback/misprediction.html", context)


@reviewer_required
@require_POST
def delete(request: UserRequest) -> HttpResponseBase:
    """Ask whether the chosen ones are to go; once that is confirmed, erase them."""
    ids = [int(pk) for pk in request.POST.getlist("ids") if pk.isdecimal() and len(pk) < 19]
    chosen = list(Misprediction.objects.filter(pk__in=ids).newest_first().select_related("picture"))
    back = next_url(request, reverse("feedback:mispredictions"))
    if not chosen:
        messages.warning(request, NOTHING)
        return redirect(back)
    if "confirmed" not in request.POST:
        return render(request, "feedback/confirm_delete.html", {"mispredictions": chosen, "back_url": back})
    try:
        erased = services.erase_mispredictions(chosen)
    except StorageUnavailable as exc:
        logger.warning("Mispredictions not erased: %s", exc, exc_info=exc)
        messages.error(request, _("The storage refuses to delete at the moment. What is still listed is not deleted."))
        return redirect(back)
    if not erased:
        messages.warning(request, NOTHING)
        return redirect(back)
    said = ngettext("%(count)s photo deleted.", "%(count)s photos deleted.", erased)
    messages.success(request, said % {"count": erased})
    return redirect(back)


def _own_verdict(request: UserRequest, pk: int) -> Verdict:
    predictions = Prediction.objects.visible_to(request.user)
    verdicts = Verdict.objects.select_related("prediction__project", "misprediction")
    return get_object_or_404(verdicts, prediction__in=predictions, prediction_id=pk)


def _confirmation(request: UserRequest, verdict: Verdict, form: RightTagForm | None) -> HttpResponse:
    kept: Misprediction | None = getattr(verdict, "misprediction", None)
    if kept is not None and form is None:
        initial = {"suggested_tag": kept.suggested_tag, "comment": kept.comment}
        form = RightTagForm(initial=initial, prediction=verdict.prediction)
    context = {"verdict": verdict, "prediction": verdict.prediction, "misprediction": kept, "form": form}
    return render(request, "feedback/confirmation.html", context)
