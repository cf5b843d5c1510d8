"""What every request to the API goes through."""

from typing import cast

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.http.request import HttpHeaders
from django.urls import resolve
from django.utils import translation

from customvision import cross_origin
from customvision.errors import in_our_shape
from customvision.paths import PREFIX, canonical_path
from web import limits
from web.typing import Handler

POLICY = "default-src 'none'; frame-ancestors 'none'"
"""Of the content: it is data, never a page."""


def speak_custom_vision(get_response: Handler) -> Handler:
    """Answer at the API's addresses, which may be written in any case, in JSON and in English.

    What stands below it is for browsers: sessions, forms, languages, pages. A program has a key, and waits for none.
    """
    answer = cast(Handler, convert_exception_to_response(_answer))

    def middleware(request: HttpRequest) -> HttpResponseBase:
        path = canonical_path(request.path_info)
        if not path.startswith(PREFIX):
            return get_response(request)
        request.path_info = path
        request.META["HTTP_ACCEPT"] = "application/json"
        request.META["HTTP_ACCEPT_LANGUAGE"] = "en"
        request.headers = HttpHeaders(request.META)  # should anybody have looked at them before
        with translation.override("en"):
            response = _with_headers(in_our_shape(answer(request), method=request.method))
        cross_origin.let_read(request, response)
        return response

    return middleware


def _answer(request: HttpRequest) -> HttpResponseBase:
    """Do what Django's own handler and middleware do for a program: check the host and the body, call the view."""
    request.get_host()  # raises DisallowedHost
    if settings.CLASSIFR_CORS_ORIGINS and cross_origin.is_preflight(request):
        return cross_origin.answer_preflight(request)
    match = request.resolver_match = resolve(request.path_info)
    # Who is not admitted hears why from the operation, which reads nothing before it has looked at the key.
    refusal = None if limits.is_unwelcome(request, match) else limits.refused(request, match.func)
    return refusal or match.func(request, *match.args, **match.kwargs)


def _with_headers(response: HttpResponseBase) -> HttpResponseBase:
    response.headers.setdefault("Content-Security-Policy", POLICY)
    if isinstance(response, HttpResponse):  # the others stream
        response.headers.setdefault("Content-Length", str(len(response.content)))
    return response
