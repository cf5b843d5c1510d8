"""The page "Mes envois": what one person sent, for that person alone."""

import logging

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Exists, OuterRef, Subquery
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import UserRequest, next_url
from catalog import responses
from catalog.exceptions import StorageUnavailable
from catalog.models import Picture
from catalog.services import THUMBNAIL_SIDE
from classifier.models import PendingPhoto, Prediction, PredictionQuerySet
from engine import images
from feedback.exporting import export_uploads
from feedback.models import Misprediction
from feedback.services.erasure import Erasure, erase_predictions
from feedback.views.answers import NOTHING, PAGE_SIZE, STORAGE_REFUSES, chosen_ids
from training.models import Image, Project
from web.paging import page_by_key

logger = logging.getLogger(__name__)


@login_required
@never_cache
@require_safe
def uploads(request: UserRequest) -> HttpResponse:
    """List one's own predictions with their verdicts, newest first, a page at a time by key."""
    may_use = Exists(Project.objects.visible_to(request.user).filter(pk=OuterRef("project")))
    page = page_by_key(request, _with_photos(_own(request)).annotate(may_use=may_use), size=PAGE_SIZE)
    context = {
        "page": page,
        "may_keep": any(row.may_use and row.photo_waits and not hasattr(row, "verdict") for row in page.rows),  # type: ignore[attr-defined]  # annotated
    }
    return render(request, "feedback/uploads.html", context)


@login_required
@never_cache
@require_safe
def thumbnail(request: UserRequest, pk: int) -> HttpResponseBase:
    """Show a small JPEG of a photo that is stored or still waits for its verdict."""
    if picture := _stored_picture(request, pk):
        return responses.small(picture)
    waiting = images.admit(_pending_content(request, pk), limits=images.PREDICTION)
    return HttpResponse(images.thumbnail(waiting, side=THUMBNAIL_SIDE), content_type="image/jpeg")


@login_required
@never_cache
@require_safe
def photo(request: UserRequest, pk: int) -> HttpResponseBase:
    """Show such a photo whole."""
    if picture := _stored_picture(request, pk):
        return responses.whole(picture)
    return HttpResponse(_pending_content(request, pk), content_type="image/jpeg")


@login_required
@never_cache
@require_safe
def export(request: UserRequest) -> HttpResponseBase:
    """Give everything that the person sent, as a ZIP: photos that are kept, verdicts and corrections."""
    answer = StreamingHttpResponse(export_uploads(_own(request)), content_type="application/zip")
    answer.headers["Content-Disposition"] = f'attachment; filename="classifr-{timezone.localdate()}.zip"'
    return answer


@login_required
@require_POST
def delete(request: UserRequest) -> HttpResponseBase:
    """Ask whether the chosen ones are to go for good; once that is confirmed, erase them."""
    chosen = list(_with_photos(_own(request).filter(pk__in=chosen_ids(request)).order_by("-pk")))
    back = next_url(request, reverse("feedback:uploads"))
    if not chosen:
        messages.warning(request, NOTHING)
        return redirect(back)
    if "confirmed" not in request.POST:
        return render(request, "feedback/confirm_uploads.html", {"predictions": chosen, "back_url": back})
    try:
        erasure = erase_predictions(chosen)
    except StorageUnavailable as exc:
        logger.warning("Predictions not erased: %s", exc, exc_info=exc)
        messages.error(request, STORAGE_REFUSES)
        return redirect(back)
    if erasure.erased:
        messages.success(request, _erasure_sentence(erasure))
    else:
        messages.warning(request, NOTHING)
    return redirect(back)


def _erasure_sentence(erasure: Erasure) -> str:
    sentence = ngettext("%(count)s upload erased.", "%(count)s uploads erased.", erasure.erased)
    erased = sentence % {"count": erasure.erased}
    if not erasure.shared:
        return erased
    stays = ngettext(
        "One photo stays for others: somebody else sent it too, or a model learns from it.",
        "%(count)s photos stay for others: somebody else sent them too, or a model learns from them.",
        erasure.shared,
    )
    return f"{erased} {stays % {'count': erasure.shared}}"


def _own(request: UserRequest) -> PredictionQuerySet:
    return Prediction.objects.sent_by(request.user)


def _with_photos(predictions: PredictionQuerySet) -> PredictionQuerySet:
    """Say of each prediction whether its photo waits for the verdict or is stored, without reading the photos.

    taught: the name of the first iteration that learned from its correction.
    """
    waiting = PendingPhoto.objects.waiting(timezone.now()).filter(prediction=OuterRef("pk"))
    kept = Misprediction.objects.filter(verdict__prediction=OuterRef("pk"))
    image = Image.objects.filter(project=OuterRef("project"), picture=OuterRef("verdict__misprediction__picture"))
    return predictions.select_related("project", "verdict__misprediction").annotate(
        photo_waits=Exists(waiting),
        photo_kept=Exists(kept),
        taught=Subquery(image.values("learned_by__name")[:1]),
    )


def _stored_picture(request: UserRequest, pk: int) -> Picture | None:
    return Picture.objects.filter(mispredictions__verdict__prediction__in=_own(request).filter(pk=pk)).first()


def _pending_content(request: UserRequest, pk: int) -> bytes:
    waiting = PendingPhoto.objects.waiting(timezone.now()).filter(prediction__in=_own(request))
    return bytes(get_object_or_404(waiting, prediction_id=pk).content)
