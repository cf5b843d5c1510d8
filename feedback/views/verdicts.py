"""Verdicts, their confirmation, and taking them back."""

import logging

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import UserRequest
from catalog.exceptions import StorageUnavailable
from classifier.models import Prediction
from feedback.exceptions import TooLate
from feedback.forms import CommentForm, RightTagForm
from feedback.models import Misprediction, Verdict
from feedback.services import verdicts

logger = logging.getLogger(__name__)


@login_required
@require_POST
def give(request: UserRequest, pk: int) -> HttpResponseBase:
    """Take a verdict, then confirm it: on a page, or in the place of the buttons where htmx asks."""
    prediction = _own_prediction(request, pk)
    if request.POST.get("verdict") not in Verdict.Value.values:
        return _not_given(request, prediction, _("A verdict is OK or NOK."))
    value = Verdict.Value(request.POST["verdict"])
    try:
        verdict, is_new = verdicts.give_verdict(prediction=prediction, value=value, by=request.user)
    except Prediction.DoesNotExist as exc:
        raise Http404 from exc
    warning = _warning(verdict, value, is_new=is_new)
    if request.htmx:
        return _fragment(request, verdict, warning=warning)
    if warning:
        messages.warning(request, warning)
    return redirect("feedback:confirmation", pk=pk)


@login_required
@never_cache
@require_safe
def confirmation(request: UserRequest, pk: int) -> HttpResponseBase:
    """Say that the verdict counted; after NOK, ask what it was. One that was undone leads back to its prediction."""
    if not Verdict.objects.filter(prediction=_own_prediction(request, pk)).exists():
        return redirect("classifier:prediction", pk=pk)
    return render(request, "feedback/confirmation.html", _given(_own_verdict(request, pk)))


@login_required
@require_POST
def correct(request: UserRequest, pk: int) -> HttpResponseBase:
    """Take the right tag, or a comment, for a photo that was called wrong."""
    prediction = _own_prediction(request, pk)
    misprediction = Misprediction.objects.filter(verdict__prediction=prediction).first()
    name = "comment_form" if "comment" in request.POST else "form"
    form = (CommentForm if name == "comment_form" else RightTagForm)(request.POST, prediction=prediction)
    if misprediction and not form.is_valid():
        template = "feedback/_given.html" if request.htmx else "feedback/confirmation.html"
        return render(request, template, _given(_own_verdict(request, pk)) | {name: form})
    if not (misprediction and verdicts.keep_words(misprediction=misprediction, **form.cleaned_data)):
        if request.htmx:
            raise Http404
        messages.warning(request, _("The photo is not kept any more: there is nothing to correct."))
        return redirect("feedback:confirmation", pk=pk)
    thanks = (
        _("Thank you, your comment is kept.") if name == "comment_form" else _("Thank you, your correction is kept.")
    )
    if request.htmx:
        return _fragment(request, _own_verdict(request, pk), thanks=thanks)
    messages.success(request, thanks)
    return redirect("feedback:confirmation", pk=pk)


@login_required
@require_POST
def undo(request: UserRequest, pk: int) -> HttpResponseBase:
    """Take one's verdict back; the buttons for another one come in its place."""
    prediction = _own_prediction(request, pk)
    try:
        photo_waits = verdicts.withdraw_verdict(prediction=prediction, by=request.user)
    except TooLate:
        return _not_withdrawn(request, pk, _("It is too late to undo this verdict: it stands."))
    except StorageUnavailable as exc:
        logger.warning("Verdict not withdrawn prediction=%s: %s", pk, exc, exc_info=exc)
        sentence = _("The photo cannot be fetched at the moment. Your verdict stands: try again in a minute.")
        return _not_withdrawn(request, pk, sentence)
    except Prediction.DoesNotExist as exc:
        raise Http404 from exc
    gone = "" if photo_waits else _("The photo is not kept any more; you may still answer.")
    if request.htmx:
        return _buttons(request, prediction, error=gone)
    messages.success(request, " ".join(filter(None, [_("Your verdict is undone: you may give another one."), gone])))
    return redirect("classifier:prediction", pk=pk)


def _warning(verdict: Verdict, asked: Verdict.Value, *, is_new: bool) -> str:
    """Say what is otherwise than the sender may think; empty if nothing is."""
    if verdict.value != asked:
        return _("You had already answered %(value)s; that answer stands.") % {"value": verdict.value}
    if is_new and asked == Verdict.Value.NOK and not hasattr(verdict, "misprediction"):
        return _("The photo had expired and could not be kept: send it again if you can.")
    return ""


def _not_given(request: UserRequest, prediction: Prediction, sentence: str) -> HttpResponseBase:
    """Say why there is no verdict yet, with the buttons to try again."""
    if request.htmx:
        return _buttons(request, prediction, error=sentence)
    messages.error(request, sentence)
    return redirect("classifier:prediction", pk=prediction.pk)


def _not_withdrawn(request: UserRequest, pk: int, sentence: str) -> HttpResponseBase:
    """Say why the verdict stands."""
    if request.htmx:
        return _fragment(request, _own_verdict(request, pk), error=sentence)
    messages.error(request, sentence)
    return redirect("feedback:confirmation", pk=pk)


def _buttons(request: UserRequest, prediction: Prediction, *, error: str = "") -> HttpResponse:
    return render(request, "classifier/_verdict_form.html", {"prediction": prediction, "error": error})


def _fragment(request: UserRequest, verdict: Verdict, **sentences: str) -> HttpResponse:
    return render(request, "feedback/_given.html", _given(verdict) | sentences)


def _given(verdict: Verdict) -> dict[str, object]:
    """Return the context of both the page and the fragment of a verdict; forms only where the photo is in review."""
    misprediction: Misprediction | None = getattr(verdict, "misprediction", None)
    prediction = verdict.prediction
    context: dict[str, object] = {"verdict": verdict, "prediction": prediction, "misprediction": misprediction}
    if misprediction is None:
        return context
    comment_form = CommentForm(initial={"comment": misprediction.comment}, prediction=prediction)
    return context | {"form": RightTagForm(prediction=prediction), "comment_form": comment_form}


def _own_prediction(request: UserRequest, pk: int) -> Prediction:
    return get_object_or_404(Prediction.objects.visible_to(request.user), pk=pk)


def _own_verdict(request: UserRequest, pk: int) -> Verdict:
    predictions = Prediction.objects.visible_to(request.user)
    verdicts = Verdict.objects.select_related("prediction__project", "misprediction")
    return get_object_or_404(verdicts, prediction__in=predictions, prediction_id=pk)
