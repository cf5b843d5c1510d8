"""Who may open a page: a page that one may not know of answers 404."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

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


def allowed_or_404(is_allowed: Callable[[User], bool]) -> Callable[[View], View]:
    """Let through the signed-in users of whom that is true; send strangers to sign in, answer 404 to the others."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not is_allowed(cast(User, request.user)):
                raise Http404
            return view(request, *args, **kwargs)

        return login_required(guarded)

    return decorate


reviewer_required = allowed_or_404(lambda user: user.has_perm("accounts.review"))
developer_required = allowed_or_404(lambda user: user.has_perm("accounts.develop"))
administrator_required = allowed_or_404(lambda user: user.is_superuser)
