"""What belongs to the site and to no room."""

import logging
import sys
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import unquote

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.templatetags.static import static
from django.urls import Resolver404, resolve
from django.utils.translation import gettext as _
from django.views import csrf, defaults
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from classifier import readiness
from customvision.errors import in_our_shape
from customvision.paths import PREFIX, canonical_path
from web.limits import refusal
from web.outages import RETRY_AFTER_S, is_outage
from web.request_log import quoted
from web.takes import taken_by

logger = logging.getLogger(__name__)

FRESH_S = 2.0
BELIEVED_S = 15.0  # while a thread looks again: a storage that hangs takes ten, a database that hangs takes for ever
UNKNOWN_ORIGIN = "does not match any trusted origins."
"""How the sentence of Django ends."""
UNKNOWN = dict.fromkeys(("database", "storage", "model"), "unknown")


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer `ok` when this process reaches its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok", content_type="text/plain")


@dataclass
class LastState:
    """What was found last: probes, however many, make one thread look every two seconds."""

    state: dict[str, str] = field(default_factory=lambda: UNKNOWN)
    until: float = 0.0
    looking: threading.Lock = field(default_factory=threading.Lock)

    def get(self) -> dict[str, str]:
        if time.monotonic() >= self.until and self.looking.acquire(blocking=False):
            try:
                self.note(readiness.find_state())
                self.until = time.monotonic() + FRESH_S
            finally:
                self.looking.release()
        return self.state if time.monotonic() < self.until + BELIEVED_S else UNKNOWN

    def note(self, state: dict[str, str]) -> None:
        """Take that state as the one of now, and log it when it is another one than before."""
        if state != self.state:
            level = logging.INFO if is_ready(state) else logging.WARNING
            logger.log(level, "Readiness %s", " ".join(f"{name}={word}" for name, word in state.items()))
        self.state = state


def is_ready(state: dict[str, str]) -> bool:
    return set(state.values()) <= set(readiness.GOOD)


last_state = LastState()


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Say whether this process can answer a photo: 200 or 503, and a line for each thing that it needs."""
    state = last_state.get()
    return HttpResponse(
        "".join(f"{name}={word}\n" for name, word in state.items()),
        status=HTTPStatus.OK if is_ready(state) else HTTPStatus.SERVICE_UNAVAILABLE,
        content_type="text/plain",
    )


@require_safe
@never_cache
def may_send(request: HttpRequest) -> HttpResponse:
    """Tell a proxy whether to read the body of the request to X-Forwarded-Uri, which has these headers: 204 or 401.

    A view that admits anybody takes no more than a small form, for which no proxy has to ask.
    """
    path = unquote(request.headers.get("X-Forwarded-Uri", "").partition("?")[0])
    path = path.removeprefix(settings.CLASSIFR_PATH_PREFIX)
    try:
        match = resolve(canonical_path(path))
    except Resolver404:
        return HttpResponse(status=HTTPStatus.UNAUTHORIZED)
    admits = taken_by(match.func).admits
    is_admitted = admits is not None and admits(request, match.kwargs)
    return HttpResponse(status=HTTPStatus.NO_CONTENT if is_admitted else HTTPStatus.UNAUTHORIZED)


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Lead browsers that ask at the old address to the icon."""
    return HttpResponseRedirect(static("favicon.svg"))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Say what of the request could not be read, as far as it can be helped."""
    title, status = _("Request not understood"), HTTPStatus.BAD_REQUEST
    sentence = _("The server could not read this request. Go back and try again.")
    if isinstance(exception, TooManyFilesSent):
        sentence = _("Too many files at once: send at most %(limit)s.") % {
            "limit": settings.DATA_UPLOAD_MAX_NUMBER_FILES
        }
    elif isinstance(exception, TooManyFieldsSent):
        sentence = _("Too much was chosen at once: choose fewer.")
    elif isinstance(exception, RequestDataTooBig):
        sentence, status = _("The text of this form is too long."), HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    answer = refusal(request, sentence, title=title, status=status)
    is_of_a_program = canonical_path(request.path_info).startswith(PREFIX)
    return in_our_shape(answer, method=request.method) if is_of_a_program else answer


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Refuse a form that came from elsewhere: another site, or this one under an address that it does not know."""
    if not reason.endswith(UNKNOWN_ORIGIN):
        return csrf.csrf_failure(request, reason)
    origin = request.headers.get("Origin") or request.headers.get("Referer", "")
    logger.warning(
        "Refused a form: origin=%s host=%s. If people use this site at that origin, name it in CSRF_TRUSTED_ORIGINS; "
        "behind a proxy that speaks HTTPS, CLASSIFR_HTTPS=true and its X-Forwarded-Proto do.",
        quoted(origin),
        quoted(request.get_host()),
    )
    sentence = _(
        "Nothing was sent: this site does not know the address that your browser shows. Tell whoever runs it; they "
        "find in its log what to set."
    )
    return refusal(request, sentence, title=_("Unknown address"), status=HTTPStatus.FORBIDDEN)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what nobody thought of; while the database is away, say that it comes back."""
    if not is_outage(sys.exc_info()[1]):
        return defaults.server_error(request)
    sentence = _("The database of this site is starting or being repaired. Try again in a few seconds.")
    answer = refusal(request, sentence, title=_("Back in a moment"), status=HTTPStatus.SERVICE_UNAVAILABLE)
    answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer
