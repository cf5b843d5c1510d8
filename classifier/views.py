"""The page: a photo in, probabilities out."""

import logging
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import push_url

from accounts.access import UserRequest
from catalog.refusals import refusal_sentence
from classifier import services
from classifier.exceptions import BackendMisconfigured, BackendUnavailable
from classifier.forms import PhotoForm
from classifier.models import PendingPhoto, Prediction, PredictionQuerySet
from classifier.offers import offers_of
from classifier.samples import read_sample
from engine import images
from engine.exceptions import RefusedPicture
from training.models import Project
from training.services.first_steps import first_steps
from web.takes import Rate, Takes, is_signed_in, limited_to

logger = logging.getLogger(__name__)

MAX_DIGITS = 19  # a key of the database is shorter
MOST_UNJUDGED = 100  # that are shown again


@limited_to(Takes(images.PAGE_PHOTO.max_bytes, rate=Rate("photos"), admits=is_signed_in))
@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def home(request: UserRequest) -> HttpResponseBase:
    """Show the empty page, or classify the photo that is posted to it."""
    if request.method != "POST":
        return _page(request, _empty_form(request, request.GET.get("project") or _last_project(request)), None)
    held = _held(request)
    if held is None and "held" in request.POST:
        messages.warning(request, _("That photo is not kept any more: choose it again."))
        return redirect("classifier:home")
    if held is not None and held.prediction_id is not None:
        return redirect("classifier:prediction", pk=held.prediction_id)
    return _classify(request, held)


def _classify(request: UserRequest, held: PendingPhoto | None) -> HttpResponseBase:
    form = PhotoForm(request.POST, _files(request, held), user=request.user)
    # Forms refer to themselves: with the photo in it, this one would keep it until the next collection of garbage.
    prediction = None
    if form.is_valid():
        photo: images.AdmittedPicture = form.cleaned_data.pop("photo")
        project: Project = form.cleaned_data["project"]
        try:
            prediction = services.predict(photo=photo, project=project, by=request.user, held=held)
        except BackendUnavailable as exc:
            logger.warning("Prediction unavailable user=%s: %s", request.user.pk, exc, exc_info=exc)
            return _unavailable(request, form, photo)
        except RefusedPicture as exc:
            form.add_error("photo", refusal_sentence(exc))
        except BackendMisconfigured as exc:
            logger.error("Prediction misconfigured project=%s: %s", project.pk, exc, exc_info=exc)  # noqa: TRY400
            form.add_error("photo", _("The model is not set up correctly. Please tell your administrator."))
    if "card" in request.POST:
        name = getattr(request.FILES.get("photo"), "name", "")
        return render(request, "classifier/_queue_card.html", {"form": form, "prediction": prediction, "name": name})
    if prediction is None:
        return _page(request, form, _shown(request))
    if not request.htmx:
        return redirect("classifier:prediction", pk=prediction.pk)
    context = {"form": form, "prediction": prediction, "is_new": True}
    url = reverse("classifier:prediction", args=[prediction.pk])
    return push_url(render(request, "classifier/_result.html", context), url)


@login_required
@never_cache
@require_safe
def prediction(request: UserRequest, pk: int) -> HttpResponse:
    """Show one's own prediction again."""
    shown = get_object_or_404(_own(request), pk=pk)
    return _page(request, _empty_form(request, shown.project_id), shown)


@login_required
@never_cache
@require_safe
def photo(request: UserRequest, pk: int) -> HttpResponse:
    """Show the photo that waits for its verdict, to the person who sent it and to nobody else."""
    waiting = PendingPhoto.objects.waiting(timezone.now()).filter(prediction__in=_own(request))
    pending = get_object_or_404(waiting, prediction_id=pk)
    return HttpResponse(bytes(pending.content), content_type="image/jpeg")


@login_required
@never_cache
@require_safe
def held_photo(request: UserRequest, pk: int) -> HttpResponse:
    """Show the photo that waits for a model that answers, to the person who sent it."""
    pending = get_object_or_404(PendingPhoto.objects.waiting(timezone.now()), user=request.user, pk=pk)
    return HttpResponse(bytes(pending.content), content_type="image/jpeg")


def _empty_form(request: UserRequest, project: str | int | None) -> PhotoForm:
    """Return the form with that project selected, if it can answer."""
    return PhotoForm(user=request.user, initial={"project": project})


def _last_project(request: UserRequest) -> int | None:
    """Return the project that they used last, of those that they may use still."""
    return Prediction.objects.visible_to(request.user).order_by("-pk").values_list("project_id", flat=True).first()


def _held(request: UserRequest) -> PendingPhoto | None:
    """Return the photo that is to be tried again; it may have its prediction by now."""
    pk = request.POST.get("held", "")
    if not _is_key(pk):
        return None
    return PendingPhoto.objects.waiting(timezone.now()).sent_by(request.user).filter(pk=pk).first()


def _files(request: UserRequest, held: PendingPhoto | None) -> MultiValueDict[str, UploadedFile]:
    """Return what the form is to check: the uploaded photo, the one held for another try, or a sample."""
    content = bytes(held.content) if held else read_sample(request.POST.get("sample", ""))
    if content is None:
        return request.FILES
    return MultiValueDict({"photo": [SimpleUploadedFile("photo.jpg", content)]})


def _unavailable(request: UserRequest, form: PhotoForm, photo: images.AdmittedPicture) -> HttpResponse:
    """Say so. A browser with JavaScript has the photo still; for another one it is held, with a button to try again."""
    if request.htmx:
        sentence = _("The model cannot be reached at the moment. Your photo is still here: try again in a minute.")
        return HttpResponse(sentence, status=HTTPStatus.SERVICE_UNAVAILABLE, content_type="text/plain; charset=utf-8")
    form.add_error("photo", _("The model cannot be reached at the moment. Your photo is kept: try again in a minute."))
    return _page(request, form, _shown(request), services.hold_photo(photo=photo, by=request.user))


def _shown(request: UserRequest) -> Prediction | None:
    """Return the prediction that the browser was showing, so that a refused photo does not wipe it out."""
    pk = request.POST.get("shown", "")
    return _own(request).filter(pk=pk).first() if _is_key(pk) else None


def _is_key(value: str) -> bool:
    return value.isdecimal() and len(value) < MAX_DIGITS


def _own(request: UserRequest) -> PredictionQuerySet:
    return Prediction.objects.visible_to(request.user).select_related("project")


def _page(
    request: UserRequest, form: PhotoForm, shown: Prediction | None, held: PendingPhoto | None = None
) -> HttpResponse:
    own, now = _own(request), timezone.now()
    context: dict[str, Any] = {
        "form": form,
        "prediction": shown,
        "photo_available": shown is not None and own.unjudged(now).filter(pk=shown.pk).exists(),
    }
    if request.htmx:
        return render(request, "classifier/_result.html", context)
    context |= {"offers": list(offers_of(form.choices)), "held": held}
    context["samples_open"] = not held and not own.exists()
    if request.user.has_perm("accounts.develop"):
        context["steps"] = first_steps()
    if not (shown or held):
        context["unjudged"] = own.unjudged(now)[:MOST_UNJUDGED]
    return render(request, "classifier/home.html", context)
