"""Middleware of the accounts room."""

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone, translation

from accounts.exceptions import SignInRefused
from accounts.sign_ins import attempt_of
from accounts.views.signing_in import login, sign_in_refused
from web import limits


def language_of_user(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Answer in the language that the signed-in user chose, whatever browser they come with."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if language := getattr(request.user, "language", ""):
            translation.activate(language)
            request.LANGUAGE_CODE = language
        return get_response(request)

    return middleware


def time_zone_of_browser(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Show moments, and understand dates, in the time zone that the page's script has told; else in TIME_ZONE."""
    known = available_timezones()

    def middleware(request: HttpRequest) -> HttpResponse:
        told = request.COOKIES.get("timezone")
        with timezone.override(ZoneInfo(told) if told in known else None):
            return get_response(request)

    return middleware


def signing_in_from_htmx(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Send the whole page to sign in where htmx asked for a part of it: the form must not appear inside the page."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        is_htmx = request.headers.get("HX-Request") == "true"
        if not (is_htmx and response.status_code == HTTPStatus.FOUND and _leads_to_sign_in(response)):
            return response
        current = _path_of(request.headers.get("HX-Current-URL", ""))
        query = urlencode({REDIRECT_FIELD_NAME: current}) if current else ""
        sign_in = f"{reverse(settings.LOGIN_URL)}?{query}"
        return HttpResponse(status=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": sign_in})

    return middleware


class SignInRefusals:
    """Answers where a password is not looked at: at sign-in, and wherever one is set.

    It stands above sessions and forms: strangers may send more attempts than there is time to look at.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_attempt = request.method == "POST" and request.path == reverse(settings.LOGIN_URL)
        return (is_attempt and _refused(request)) or self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return sign_in_refused(request, exception) if isinstance(exception, SignInRefused) else None


def _refused(request: HttpRequest) -> HttpResponse | None:
    """Return the answer to an attempt that need not be looked at, or None."""
    with translation.override(translation.get_language_from_request(request)):
        if answer := limits.refused(request, login):
            return answer
        try:
            attempt_of(request, request.POST.get("username", "")).check()
        except SignInRefused as reason:
            return sign_in_refused(request, reason)
    return None


def _path_of(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def _leads_to_sign_in(response: HttpResponse) -> bool:
    return urlsplit(response.headers["Location"]).path == reverse(settings.LOGIN_URL)
