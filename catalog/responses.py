"""Pictures as HTTP answers; the view that calls has checked who may see them."""

import logging
from collections.abc import Callable

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.cache import patch_cache_control

from catalog import services, storage
from catalog.exceptions import StorageUnavailable
from catalog.models import Picture
from engine.images import FORMATS

logger = logging.getLogger(__name__)


def whole(picture: Picture) -> HttpResponseBase:
    """Return the picture's bytes, or lead to a short-lived link of the storage where that is configured."""
    seconds = settings.CLASSIFR_SAS_SECONDS
    if seconds and not services.is_waiting(picture):
        url = storage.blobs().temporary_url(picture.blob_key, seconds=seconds)
        if url:
            return redirect(url)
    return _answer(services.read_picture, picture, content_type=FORMATS[picture.format].content_type)


def small(picture: Picture) -> HttpResponseBase:
    """Return a small JPEG of the picture."""
    return _answer(services.thumbnail, picture, content_type="image/jpeg")


def _answer(read: Callable[[Picture], bytes], picture: Picture, *, content_type: str) -> HttpResponse:
    """Answer with what is read; 503 while the storage is away.

    A browser may keep it, but asks each time whether it is still there: what is erased is erased there too.
    """
    try:
        response = HttpResponse(read(picture), content_type=content_type)
    except StorageUnavailable as exc:
        logger.warning("Picture not shown: %s", exc, exc_info=exc)
        return HttpResponse(status=503, headers={"Retry-After": "30"})
    patch_cache_control(response, private=True, no_cache=True)
    return response
