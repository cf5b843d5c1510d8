"""The page: a photo in, probabilities out."""

import logging

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import push_url

from accounts.access import UserRequest
from accounts.limits import counted_as, takes_files
from catalog.refusals import refusal_sentence
from classifier import services
from classifier.exceptions import BackendMisconfigured, BackendUnavailable
from classifier.forms import PhotoForm
from classifier.models import PendingPhoto, Prediction, PredictionQuerySet
from engine import images
from engine.exceptions import RefusedPicture

logger = logging.getLogger(__name__)

MAX_DIGITS = 19  # a key of the database is shorter


@takes_files(count=1, max_bytes=images.PAGE_PHOTO.max_bytes)
@counted_as("photos")
@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def home(request: UserRequest) -> HttpResponseBase:
    """Show the empty page, or classify the photo that is posted to it."""
    if request.method != "POST":
        return _page(request, PhotoForm(), None)
    form = PhotoForm(request.POST, request.FILES)
    prediction = _predict(request, form) if form.is_valid() else None
    if prediction is None:
        return _page(request, form, _shown(request))
    url = reverse("classifier:prediction", args=[prediction.pk])
    if not request.htmx:
        return redirect(url)
    return push_url(_page(request, PhotoForm(), prediction), url)


@login_required
@never_cache
@require_safe
def prediction(request: UserRequest, pk: int) -> HttpResponse:
    """Show one's own prediction again."""
    found = get_object_or_404(_own(request), pk=pk)
    return _page(request, PhotoForm(), found)


@login_required
@never_cache
@require_safe
def photo(request: UserRequest, pk: int) -> HttpResponse:
    """Show the photo that waits for its verdict, to the person who sent it and to nobody else."""
    waiting = PendingPhoto.objects.waiting(timezone.now()).filter(prediction__user=request.user)
    found = get_object_or_404(waiting, prediction_id=pk)
    return HttpResponse(bytes(found.content), content_type="image/jpeg")


def _predict(request: UserRequest, form: PhotoForm) -> Prediction | None:
    """Classify the posted photo; None when that failed, with a sentence on the form."""
    data = form.cleaned_data
    try:
        return services.predict(content=data["photo"], project=data["project"], by=request.user)
    except RefusedPicture as exc:
        form.add_error("photo", refusal_sentence(exc))
    except BackendUnavailable as exc:
        logger.warning("Prediction unavailable project=%s: %s", data["project"].pk, exc, exc_info=exc)
        form.add_error(
            "photo", _("The model cannot be reached at the moment. Your photo is fine: try again in a minute.")
        )
    except BackendMisconfigured as exc:
        logger.error("Prediction misconfigured project=%s: %s", data["project"].pk, exc, exc_info=exc)  # noqa: TRY400
        form.add_error("photo", _("The model is not set up correctly. Please tell your administrator."))
    return None


def _shown(request: UserRequest) -> Prediction | None:
    """Return the prediction that the browser was showing, so that a refused photo does not wipe it out."""
    pk = request.POST.get("shown", "")
    return _own(request).filter(pk=pk).first() if pk.isdecimal() and len(pk) < MAX_DIGITS else None


def _own(request: UserRequest) -> PredictionQuerySet:
    return Prediction.objects.visible_to(request.user).select_related("project")


def _page(request: UserRequest, form: PhotoForm, shown: Prediction | None) -> HttpResponse:
    waiting = PendingPhoto.objects.waiting(timezone.now())
    context = {
        "form": form,
        "no_model": not form.choices,
        "prediction": shown,
        "photo_available": shown is not None and waiting.filter(prediction=shown).exists(),
    }
    return render(request, "classifier/_result.html" if request.htmx else "classifier/home.html", context)
