"""Pictures as HTTP answers; the view that calls has checked who may see them."""

import logging

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.cache import patch_cache_control

from catalog import services, storage
from catalog.exceptions import StorageUnavailable
from catalog.models import Picture
from engine.images import FORMATS

logger = logging.getLogger(__name__)

DAY_S = 24 * 3600


def whole(picture: Picture) -> HttpResponseBase:
    """Return the picture's bytes, or lead to a short-lived link of the storage where that is configured."""
    seconds = settings.CLASSIFR_SAS_SECONDS
    if seconds and not services.is_waiting(picture):
        url = storage.blobs().temporary_url(picture.blob_key, seconds=seconds)
        if url:
            return redirect(url)
    try:
        content = services.read_picture(picture)
    except StorageUnavailable as exc:
        return _away(exc)
    return _cached(HttpResponse(content, content_type=FORMATS[picture.format].content_type))


def small(picture: Picture) -> HttpResponseBase:
    """Return a small JPEG of the picture."""
    try:
        content = services.thumbnail(picture)
    except StorageUnavailable as exc:
        return _away(exc)
    return _cached(HttpResponse(content, content_type="image/jpeg"))


def _cached(response: HttpResponse) -> HttpResponse:
    """Let the one browser keep it; it asks again whether it still may after a day."""
    patch_cache_control(response, private=True, max_age=DAY_S)
    return response


def _away(exc: StorageUnavailable) -> HttpResponse:
    logger.warning("Picture not shown: %s", exc, exc_info=exc)
    return HttpResponse(status=503, headers={"Retry-After": "30"})
