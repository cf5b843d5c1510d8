"""Pictures as the browser asks for them. Who may not see one gets 404."""

import logging
from typing import cast

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.cache import patch_cache_control
from django.views.decorators.http import condition, require_safe

from accounts.models import User
from catalog import services, storage
from catalog.exceptions import StorageUnavailable
from catalog.models import Picture

logger = logging.getLogger(__name__)

DAY_S = 24 * 3600


def _etag(request: HttpRequest, sha256: str) -> str | None:
    """Return the content's tag, only to those who may see it: an answer 304 tells that it exists."""
    visible = request.user.is_authenticated and Picture.objects.visible_to(request.user).filter(sha256=sha256).exists()
    return f'"{sha256}"' if visible else None


@require_safe
@login_required
@condition(etag_func=_etag)
def picture(request: HttpRequest, sha256: str) -> HttpResponseBase:
    """Show the picture's bytes, or send to a short-lived link of the storage where that is configured."""
    found = _visible_or_404(request, sha256)
    seconds = settings.CLASSIFR_SAS_SECONDS
    if seconds and (url := storage.blobs().temporary_url(found.blob_key, seconds=seconds)):
        return redirect(url)
    try:
        content = storage.read_blob(found.blob_key)
    except StorageUnavailable as exc:
        return _away(exc)
    return _cached(HttpResponse(content, content_type=f"image/{found.format.lower()}"))


@require_safe
@login_required
@condition(etag_func=_etag)
def thumbnail(request: HttpRequest, sha256: str) -> HttpResponseBase:
    """Show a small JPEG of the picture."""
    found = _visible_or_404(request, sha256)
    try:
        content = services.thumbnail(found)
    except StorageUnavailable as exc:
        return _away(exc)
    return _cached(HttpResponse(content, content_type="image/jpeg"))


def _visible_or_404(request: HttpRequest, sha256: str) -> Picture:
    return get_object_or_404(Picture.objects.visible_to(cast(User, request.user)), sha256=sha256)


def _cached(response: HttpResponse) -> HttpResponse:
    """Let the one browser keep it; it asks again whether it still may after a day."""
    patch_cache_control(response, private=True, max_age=DAY_S)
    return response


def _away(exc: StorageUnavailable) -> HttpResponse:
    logger.warning("Picture not shown: %s", exc, exc_info=exc)
    return HttpResponse(status=503, headers={"Retry-After": "30"})
