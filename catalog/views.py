"""Pictures as the browser asks for them. Who may not see one gets 404."""

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import condition, require_safe

from accounts.models import User
from catalog import responses
from catalog.models import Picture


def _etag(request: HttpRequest, sha256: str) -> str | None:
    """Return the content's tag, only to those who may see it: an answer 304 tells that it exists."""
    visible = request.user.is_authenticated and Picture.objects.visible_to(request.user).filter(sha256=sha256).exists()
    return f'"{sha256}"' if visible else None


@require_safe
@login_required
@condition(etag_func=_etag)
def picture(request: HttpRequest, sha256: str) -> HttpResponseBase:
    """Show the whole picture."""
    return responses.whole(_visible_or_404(request, sha256))


@require_safe
@login_required
@condition(etag_func=_etag)
def thumbnail(request: HttpRequest, sha256: str) -> HttpResponseBase:
    """Show a small JPEG of the picture."""
    return responses.small(_visible_or_404(request, sha256))


def _visible_or_404(request: HttpRequest, sha256: str) -> Picture:
    return get_object_or_404(Picture.objects.visible_to(cast(User, request.user)), sha256=sha256)
