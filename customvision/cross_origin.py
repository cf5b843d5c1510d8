"""Pages of other sites in a browser, as far as `CLASSIFR_CORS_ORIGINS` lets them.

The protocol is CORS (fetch.spec.whatwg.org). Keys are in a header and no cookie is looked at: credentials, as it
calls them, are never allowed.
"""

import re
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers

ANYBODY = "*"
_FOR_ANYBODY = re.compile(r"/customvision/(v3\.[01]/prediction|files)/")
"""Where a key of prediction, or the signature of a link, is all that opens anything."""
_EXPOSED = "Retry-After, X-Request-ID, apim-request-id"
_KNOWN_FOR_S = "7200"  # the longest that Chromium keeps


def is_preflight(request: HttpRequest) -> bool:
    """Say whether a browser asks what its page may send; it sends no key with that."""
    return request.method == "OPTIONS" and {"Origin", "Access-Control-Request-Method"} <= request.headers.keys()


def answer_preflight(request: HttpRequest) -> HttpResponse:
    """Say yes to the method and the headers that are asked for, if the page's origin may ask anything here."""
    answer = HttpResponse(status=HTTPStatus.NO_CONTENT)
    if _allowed_origin(request):
        answer.headers["Access-Control-Allow-Methods"] = request.headers["Access-Control-Request-Method"]
        answer.headers["Access-Control-Allow-Headers"] = request.headers.get("Access-Control-Request-Headers", "")
        answer.headers["Access-Control-Max-Age"] = _KNOWN_FOR_S
    patch_vary_headers(answer, ["Access-Control-Request-Method", "Access-Control-Request-Headers"])
    return answer


def let_read(request: HttpRequest, response: HttpResponseBase) -> None:
    """Let the page that asked read the answer, whatever it says, if its origin may."""
    if not settings.CLASSIFR_CORS_ORIGINS:
        return
    patch_vary_headers(response, ["Origin"])
    if allowed := _allowed_origin(request):
        response.headers["Access-Control-Allow-Origin"] = allowed
        response.headers["Access-Control-Expose-Headers"] = _EXPOSED


def _allowed_origin(request: HttpRequest) -> str:
    """Return the origin that is let in, "*" for all, "" for none."""
    origin, allowed = request.headers.get("Origin", ""), settings.CLASSIFR_CORS_ORIGINS
    if ANYBODY in allowed:
        return ANYBODY if _FOR_ANYBODY.match(request.path_info) else ""
    return origin if origin.lower() in allowed else ""
