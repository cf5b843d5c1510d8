"""What every request to the API goes through."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.http.request import HttpHeaders
from django.utils import translation

from customvision.errors import in_our_shape
from customvision.paths import canonical_path

PREFIX = "/customvision/"

Answer = Callable[[HttpRequest], HttpResponseBase]


def speak_custom_vision(get_response: Answer) -> Answer:
    """Let the API's addresses be written in any case, and answer there in JSON and in English.

    It stands above everything that reads the path or the language.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        path = canonical_path(request.path_info)
        if not path.startswith(PREFIX):
            return get_response(request)
        request.path_info = path
        request.META["HTTP_ACCEPT"] = "application/json"
        request.META["HTTP_ACCEPT_LANGUAGE"] = "en"
        request.headers = HttpHeaders(request.META)  # those that the log has looked at are older
        with translation.override("en"):
            return in_our_shape(get_response(request), method=request.method)

    return middleware
