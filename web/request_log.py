"""A line for each request, and the request and its user on every line that is written meanwhile."""

import json
import logging
import re
import secrets
import time
from contextvars import ContextVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase

from web.addresses import client_address
from web.typing import Handler

logger = logging.getLogger(__name__)

NOBODY = "-"
REQUEST_ID, USER_ID = "classifr.request", "classifr.user"  # in a request's META
PLAIN = re.compile(r"[!#-\[\]-~]+")  # printable, without space, quote and backslash
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
SIGNATURE = re.compile(r"\b(sig|AccountKey|SharedAccessSignature)=[^&;\s\"']+", re.IGNORECASE)
GIVEN_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
SHORTEST_SECRET = 6

_request: ContextVar[str] = ContextVar("request", default=NOBODY)
_user: ContextVar[str] = ContextVar("user", default=NOBODY)


def log_request(get_response: Handler) -> Handler:
    """Write a line for each request; its id is the proxy's or our own, and goes back with the answer."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if GIVEN_ID.fullmatch(given) else secrets.token_hex(8)
        request.META[REQUEST_ID] = request_id
        tokens = _request.set(request_id), _user.set(NOBODY)
        try:
            response = get_response(request)
            logger.info(
                "Answered method=%s path=%s status=%s ms=%.1f address=%s",
                quoted(request.method or ""),
                quoted(request.path),
                response.status_code,
                1000 * (time.perf_counter() - started),
                quoted(client_address(request)),
            )
        finally:
            _request.reset(tokens[0])
            _user.reset(tokens[1])
        response.headers["X-Request-ID"] = request_id
        return response

    return middleware


def log_user(get_response: Handler) -> Handler:
    """Name the signed-in user on the lines that follow, the request's own among them."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        _name_user(request)
        response = get_response(request)
        _name_user(request)  # signing in and out change it
        return response

    return middleware


def _name_user(request: HttpRequest) -> None:
    user_id = str(request.user.pk or NOBODY)
    request.META[USER_ID] = user_id
    _user.set(user_id)


def quoted(value: str) -> str:
    """Return the value as one word, in quotes and escaped if need be: nothing sent can look like another line."""
    return value if PLAIN.fullmatch(value) else json.dumps(value)


class WhoseRequest(logging.Filter):
    """Gives each record `request_id` and `user_id`."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id, record.user_id = _request.get(), _user.get()
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest):  # Django names it, also where it speaks after all middleware
            record.request_id = request.META.get(REQUEST_ID, NOBODY)
            record.user_id = request.META.get(USER_ID, NOBODY)
        return True


class RefusedRequest(logging.Filter):
    """Makes a warning of one line out of what Django refuses: strangers send it, and its traceback tells nothing."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security."):
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.exc_info = record.exc_text = None
        return True


class LineFormatter(logging.Formatter):
    """Keeps a message on its line, and the secrets of the settings out of it and of its traceback."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        record.message = CONTROL.sub(_escaped, record.message)
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        text = SIGNATURE.sub(r"\1=***", super().format(record))
        for secret in _secrets():
            text = text.replace(secret, "***")
        return text


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def _secret_key() -> str:
    """Return "" where there is none yet: `make run` makes it, and other commands do without."""
    try:
        return settings.SECRET_KEY
    except ImproperlyConfigured:
        return ""


def _secrets() -> list[str]:
    """Return the secrets that the settings hold, as far as they are long enough to be told from other text."""
    named = (
        _secret_key(),
        settings.DATABASES["default"].get("PASSWORD"),
        *re.findall("AccountKey=([^;]+)", settings.CLASSIFR_AZURE_CONNECTION_STRING),
        settings.CLASSIFR_CUSTOMVISION_TRAINING_KEY,
        settings.CLASSIFR_CUSTOMVISION_PREDICTION_KEY,
        settings.CLASSIFR_REVIEWER_PASSWORD,
        settings.CLASSIFR_CLIENT_PASSWORD,
        settings.CLASSIFR_DEVELOPER_PASSWORD,
    )
    return [secret for secret in named if secret and len(secret) >= SHORTEST_SECRET]
