"""The reviewers' page "Prédiction erronée", and their bin."""

import logging

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import condition, require_POST, require_safe

from accounts.access import UserRequest, next_url, reviewer_required
from catalog import responses
from catalog.exceptions import StorageUnavailable
from catalog.models import Picture
from feedback import services
from feedback.forms import ReviewFilterForm
from feedback.models import Misprediction, MispredictionQuerySet
from feedback.views.answers import NOTHING, PAGE_SIZE, STORAGE_REFUSES, chosen_ids
from web.paging import page_by_key

logger = logging.getLogger(__name__)


@reviewer_required
@never_cache
@require_safe
def mispredictions(request: UserRequest) -> HttpResponse:
    """List the wrong predictions, newest first, a page at a time by key."""
    filters = ReviewFilterForm(request.GET, user=request.user)
    page = page_by_key(request, filters.apply().with_pictures(), size=PAGE_SIZE)
    context = {
        "page": page,
        "filters": filters,
        "is_filtered": any(filters.cleaned_data.values()),
    }
    return render(request, "feedback/mispredictions.html", context)


@reviewer_required
@never_cache
@require_safe
def misprediction(request: UserRequest, pk: int) -> HttpResponse:
    """Show one wrong prediction whole."""
    row = get_object_or_404(_visible(request).with_pictures().select_related("deleted_by"), pk=pk)
    back_url = reverse("feedback:bin" if row.deleted_at else "feedback:mispredictions")
    context = {"misprediction": row, "rows": row.rows, "back_url": back_url}
    return render(request, "feedback/misprediction.html", context)


def _etag(request: UserRequest, pk: int) -> str | None:
    """Return the content's tag, so that a browser which has the picture is not sent it again."""
    sha256 = _visible(request).filter(pk=pk).values_list("picture__sha256", flat=True).first()
    return f'"{sha256}"' if sha256 else None


@reviewer_required
@condition(etag_func=_etag)
@require_safe
def photo(request: UserRequest, pk: int) -> HttpResponseBase:
    """Show the photo whole."""
    return responses.whole(_picture(request, pk))


@reviewer_required
@condition(etag_func=_etag)
@require_safe
def thumbnail(request: UserRequest, pk: int) -> HttpResponseBase:
    """Show a small JPEG of the photo."""
    return responses.small(_picture(request, pk))


@reviewer_required
@require_POST
def delete(request: UserRequest) -> HttpResponseBase:
    """Move the chosen ones to the bin, and offer to take them back."""
    moved = services.move_to_bin(_chosen(request), by=request.user)
    if moved:
        said = ngettext("%(count)s photo is in the bin now.", "%(count)s photos are in the bin now.", len(moved))
        context = {"sentence": said % {"count": len(moved)}, "ids": moved}
        messages.success(request, render_to_string("feedback/_moved.html", context))
    else:
        messages.warning(request, NOTHING)
    return redirect(next_url(request, reverse("feedback:mispredictions")))


@reviewer_required
@never_cache
@require_safe
def bin_(request: UserRequest) -> HttpResponse:
    """List what is in the bin, the last deleted first."""
    rows = _visible(request).in_bin().with_pictures().select_related("deleted_by")
    page = page_by_key(request, rows, size=PAGE_SIZE, moment="deleted_at")
    context = {
        "page": page,
        "days": settings.CLASSIFR_BIN_DAYS,
    }
    return render(request, "feedback/bin.html", context)


@reviewer_required
@require_POST
def restore(request: UserRequest) -> HttpResponseBase:
    """Take the chosen ones out of the bin."""
    if restored := services.restore(_chosen(request)):
        said = ngettext(
            "%(count)s photo is back among the wrong predictions.",
            "%(count)s photos are back among the wrong predictions.",
            restored,
        )
        messages.success(request, said % {"count": restored})
    else:
        messages.warning(request, _("Nothing to restore: choose at least one photo, perhaps they are gone already."))
    return redirect(next_url(request, reverse("feedback:bin")))


@reviewer_required
@require_POST
def erase(request: UserRequest) -> HttpResponseBase:
    """Ask whether the chosen ones in the bin are to go for good; once that is confirmed, erase them."""
    chosen = _chosen(request).in_bin()
    back = next_url(request, reverse("feedback:bin"))
    if "confirmed" not in request.POST:
        shown = list(chosen.newest_first().select_related("picture"))
        if shown:
            return render(request, "feedback/confirm_erase.html", {"mispredictions": shown, "back_url": back})
    try:
        erased = services.erase_mispredictions(chosen)
    except StorageUnavailable as exc:
        logger.warning("Mispredictions not erased: %s", exc, exc_info=exc)
        messages.error(request, STORAGE_REFUSES)
        return redirect(back)
    if erased:
        said = ngettext("%(count)s photo erased.", "%(count)s photos erased.", erased)
        messages.success(request, said % {"count": erased})
    else:
        messages.warning(request, NOTHING)
    return redirect(back)


def _picture(request: UserRequest, pk: int) -> Picture:
    return get_object_or_404(_visible(request).select_related("picture"), pk=pk).picture


def _chosen(request: UserRequest) -> MispredictionQuerySet:
    return _visible(request).filter(pk__in=chosen_ids(request))


def _visible(request: UserRequest) -> MispredictionQuerySet:
    return Misprediction.objects.visible_to(request.user)
