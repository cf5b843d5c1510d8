"""Refuse what a stranger sends, is bigger than its view takes, or comes too often: `web.takes` knows what that is."""

import math
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import DisallowedHost
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import ResolverMatch, get_script_prefix
from django.utils.formats import number_format
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from web.addresses import client_address, network_of
from web.bodies import ChunkedBody
from web.takes import KIBI, Rate, taken_by
from web.typing import View

WINDOW_S = 60

_COUNT = """
    INSERT INTO accounts_requestcount AS known (key, count, ends_at)
    SELECT asked.key, 1, statement_timestamp() + make_interval(secs => asked.window_s)
    FROM unnest(%s::text[], %s::int[]) AS asked (key, window_s)
    ON CONFLICT (key) DO UPDATE SET
        count = CASE WHEN known.ends_at > statement_timestamp() THEN known.count + 1 ELSE 1 END,
        ends_at = CASE WHEN known.ends_at > statement_timestamp() THEN least(known.ends_at, excluded.ends_at)
                       ELSE excluded.ends_at END  -- the least: the clock may have gone back since
    RETURNING count, extract(epoch FROM ends_at - statement_timestamp())::float
"""

_READ = """
    SELECT key, count, extract(epoch FROM ends_at - statement_timestamp())::float
    FROM accounts_requestcount WHERE key = ANY(%s) AND ends_at > statement_timestamp()
"""


class Limits:
    """Refuse what is too much before any of it is read: it stands above Django's CSRF middleware, which reads forms."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: View, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> HttpResponse | None:
        match = cast(ResolverMatch, request.resolver_match)
        return redirect_to_login(request.get_full_path()) if is_unwelcome(request, match) else refused(request, view)


def is_unwelcome(request: HttpRequest, match: ResolverMatch) -> bool:
    """Say, from the headers alone, whether the request has a body that is not read, as its sender may not send it."""
    has_body = request.META.get("CONTENT_LENGTH") not in {None, "", "0"} or "Transfer-Encoding" in request.headers
    admits = taken_by(match.func).admits
    return has_body and admits is not None and not admits(request, match.kwargs)


def refused(request: HttpRequest, view: View) -> HttpResponse | None:
    """Return the answer to a request that is too big or too often for its view, or None."""
    if request.headers.get("Transfer-Encoding"):
        return length_required(request)
    takes = taken_by(view)
    body = request.META["wsgi.input"]
    if isinstance(body, ChunkedBody):
        request.META["CONTENT_LENGTH"] = str(body.measure(takes.body_bytes + 1))
    size = int(request.META.get("CONTENT_LENGTH") or 0)
    if size > takes.body_bytes:
        return takes.words(size, takes.max_bytes) if takes.words else too_big(request, size, limit=takes.max_bytes)
    if takes.rate and request.method == "POST" and (seconds := seconds_to_wait(request, takes.rate)):
        return too_many(request, seconds)
    return None


def seconds_to_wait(request: HttpRequest, rate: Rate) -> int:
    """Count the request; return after how many seconds it may come again, 0 if it may now."""
    network = network_of(client_address(request))
    limits = {
        f"{rate.kind} user={request.user.pk}": settings.CLASSIFR_PHOTOS_PER_MINUTE * rate.weight,
        f"{rate.kind} address={network}": settings.CLASSIFR_PHOTOS_PER_MINUTE_AND_ADDRESS * rate.weight,
    }
    limited = {key: limit for key, limit in sorted(limits.items()) if limit}
    if not limited:
        return 0
    counted = zip(limited.values(), count_requests(list(limited)), strict=True)
    return max((math.ceil(left_s) or 1 for limit, (count, left_s) in counted if count > limit), default=0)


def count_requests(keys: Sequence[str], *, windows_s: Sequence[int] = ()) -> list[tuple[int, float]]:
    """Count one request for each key, in this order; return the count in its window and the seconds left of it.

    windows_s: how long each window is, WINDOW_S where nothing is said. It begins with its first request.
    One statement: processes that count at the same time cannot miscount, nor wait for each other in a circle as long as
    their keys are sorted.
    """
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [list(keys), list(windows_s) or [WINDOW_S] * len(keys)])
        return cast("list[tuple[int, float]]", cursor.fetchall())


def read_counts(keys: Sequence[str]) -> dict[str, tuple[int, float]]:
    """Return the count of each key that has a window now, and the seconds left of it. Counts nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_READ, [list(keys)])
        return {key: (count, left_s) for key, count, left_s in cursor.fetchall()}


def too_big(request: HttpRequest, size: int, *, limit: int) -> HttpResponse:
    """Refuse a body of that many bytes, in the terms that people know: the limit of the files."""
    mebi = {"size": number_format(size / KIBI**2, 1), "limit": number_format(limit / KIBI**2, 1)}
    sentence = _(
        "What you sent weighs %(size)s MB; the limit is %(limit)s MB. Choose a smaller file, or fewer at once."
    )
    return refusal(request, sentence % mebi, title=_("Too big"), status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


def length_required(request: HttpRequest) -> HttpResponse:
    """Refuse a body in chunks, which nothing has counted: see `web.bodies`."""
    sentence = _("The request does not say how long it is. Send it with its length (Content-Length).")
    return refusal(request, sentence, title=_("Length missing"), status=HTTPStatus.LENGTH_REQUIRED)


def too_many(request: HttpRequest, seconds: int) -> HttpResponse:
    """Refuse a request that came too soon."""
    sentence = _("Too many photos in a short time. Try again in %(seconds)s s.") % {"seconds": seconds}
    answer = refusal(request, sentence, title=_("Too many photos"), status=HTTPStatus.TOO_MANY_REQUESTS)
    answer.headers["Retry-After"] = str(seconds)
    return answer


def refusal(request: HttpRequest, sentence: str, *, title: str, status: int) -> HttpResponse:
    """Say why a request is refused: as plain text to htmx, in JSON to who asks for it, and on a small page else."""
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(sentence, status=status, content_type="text/plain; charset=utf-8")
    if request.headers.get("Accept", "").startswith("application/json"):
        return JsonResponse({"error": sentence}, status=status)
    context = {"heading": title, "sentence": sentence, "back_url": _way_back(request)}
    # Without what context processors know of the reader: the database may be away.
    return HttpResponse(render_to_string("refused.html", context), status=status)


def _way_back(request: HttpRequest) -> str:
    """Return the page of ours that the browser comes from, else the home page."""
    came_from = request.headers.get("Referer", "")
    try:
        hosts = {request.get_host()}
    except DisallowedHost:
        return get_script_prefix()
    is_ours = url_has_allowed_host_and_scheme(came_from, hosts, require_https=request.is_secure())
    return came_from if is_ours else get_script_prefix()
