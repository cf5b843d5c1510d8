"""Who may open a page: a page that one may not know of answers 404."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

from accounts.models import User
from web.typing import View


class UserRequest(HttpRequest):
    """A request by a signed-in user, as views behind `login_required` get it."""

    user: User
    htmx: HtmxDetails


def next_url(request: HttpRequest, default: str) -> str:
    """Return the address that the form's field `next` names if it is one of ours, else the default."""
    target = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if is_ours and target.startswith("/") else default


def permission_or_404(permission: str) -> Callable[[View], View]:
    """Let through the signed-in users who have that permission; send strangers to sign in, answer 404 to the others."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.has_perm(permission):
                raise Http404
            return view(request, *args, **kwargs)

        return login_required(guarded)

    return decorate


reviewer_required = permission_or_404("accounts.review")
developer_required = permission_or_404("accounts.develop")
