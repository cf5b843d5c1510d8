"""How big a request may be, and how many may come in a minute; `accounts.middleware.Limits` refuses the others.

Views say what they take by a decorator. Nothing of a request that is refused has been read.
"""

import math
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import TypeVar, cast
from urllib.parse import unquote

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils.formats import number_format
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from web.addresses import client_address, network_of
from web.typing import View

KIBI = 1024
SMALL_BODY_BYTES = 1024 * KIBI  # of a view that says nothing: forms, the longest are the admin's
FORM_BYTES = 512 * KIBI  # that may stand around the files of a form
WINDOW_S = 60

_COUNT = """
    INSERT INTO accounts_requestcount AS known (key, count, ends_at)
    SELECT unnest(%s::text[]), 1, statement_timestamp() + make_interval(secs => %s)
    ON CONFLICT (key) DO UPDATE SET
        count = CASE WHEN known.ends_at > statement_timestamp() THEN known.count + 1 ELSE 1 END,
        ends_at = CASE WHEN known.ends_at > statement_timestamp() THEN known.ends_at ELSE excluded.ends_at END
    RETURNING count, extract(epoch FROM ends_at - statement_timestamp())::float
"""

Decorated = TypeVar("Decorated", bound=View)


def takes_files(*, count: int, max_bytes: int) -> Callable[[Decorated], Decorated]:
    """Let a view take that many files of that size; any other takes a small form."""

    def decorate(view: Decorated) -> Decorated:
        view.files_limit = count * max_bytes  # type: ignore[attr-defined]
        return view

    return decorate


def counted_as(kind: str, *, weight: int = 1) -> Callable[[Decorated], Decorated]:
    """Count what is posted to a view against CLASSIFR_PHOTOS_PER_MINUTE and its like for addresses.

    kind: views of one kind are counted together. weight: how many times as many requests these may be.
    """

    def decorate(view: Decorated) -> Decorated:
        view.counted_as = (kind, weight)  # type: ignore[attr-defined]
        return view

    return decorate


def body_limit(view: View) -> int:
    """Return how many bytes may be posted to that view: its files and the form around them.

    A view that refuses too much in words of its own has `leeway_bytes`, up to which it reads it.
    """
    if not hasattr(view, "files_limit"):
        return SMALL_BODY_BYTES
    return cast(int, view.files_limit + getattr(view, "leeway_bytes", FORM_BYTES))


def body_limit_of(path: str) -> int:
    """Return how many bytes may be posted to that path, which may be percent-encoded and lead nowhere."""
    try:
        return body_limit(resolve(unquote(path)).func)
    except Resolver404:
        return SMALL_BODY_BYTES


def seconds_to_wait(request: HttpRequest, view: View) -> int:
    """Count the request where its view is counted; return after how many seconds it may come again, 0 if it may now."""
    kind, weight = getattr(view, "counted_as", ("", 0))
    if request.method != "POST" or not kind:
        return 0
    limits = {
        f"{kind} user={request.user.pk}": settings.CLASSIFR_PHOTOS_PER_MINUTE * weight,
        f"{kind} address={network_of(client_address(request))}": (
            settings.CLASSIFR_PHOTOS_PER_MINUTE_AND_ADDRESS * weight
        ),
    }
    limited = {key: limit for key, limit in sorted(limits.items()) if limit}
    if not limited:
        return 0
    counted = zip(limited.values(), count_requests(list(limited)), strict=True)
    return max((math.ceil(left_s) or 1 for limit, (count, left_s) in counted if count > limit), default=0)


def count_requests(keys: Sequence[str]) -> list[tuple[int, float]]:
    """Count one request for each key, in this order; return the count in its window and the seconds left of it.

    A window begins with its first request. One statement: processes that count at the same time cannot miscount, nor
    wait for each other in a circle as long as their keys are sorted.
    """
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [list(keys), WINDOW_S])
        return cast("list[tuple[int, float]]", cursor.fetchall())


def refused(request: HttpRequest, view: View) -> HttpResponse | None:
    """Return the answer to a request that is too big or too often for its view, or None."""
    if request.headers.get("Transfer-Encoding"):
        return length_required(request)
    size = int(request.META.get("CONTENT_LENGTH") or 0)
    if size > body_limit(view):
        return too_big(request, view, size)
    if seconds := seconds_to_wait(request, view):
        return too_many(request, seconds)
    return None


def too_big(request: HttpRequest, view: View, size: int) -> HttpResponse:
    """Refuse a body of that many bytes, in the terms that people know: the limit of the files.

    A view that speaks to programs has words of its own.
    """
    limit = getattr(view, "files_limit", SMALL_BODY_BYTES)
    if answer := getattr(view, "too_big", None):
        return cast(HttpResponse, answer(size, limit))
    mebi = {"size": number_format(size / KIBI**2, 1), "limit": number_format(limit / KIBI**2, 1)}
    sentence = _(
        "What you sent weighs %(size)s MB; the limit is %(limit)s MB. Choose a smaller file, or fewer at once."
    )
    return refusal(request, sentence % mebi, title=_("Too big"), status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


def length_required(request: HttpRequest) -> HttpResponse:
    """Refuse a body in chunks, as another server than `classifr.patient_worker` hands it over: its end is unknown."""
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
    return render(request, "refused.html", context, status=status)


def _way_back(request: HttpRequest) -> str:
    """Return the page of ours that the browser comes from, else the home page."""
    came_from = request.headers.get("Referer", "")
    try:
        hosts = {request.get_host()}
    except DisallowedHost:
        return "/"
    is_ours = url_has_allowed_host_and_scheme(came_from, hosts, require_https=request.is_secure())
    return came_from if is_ours else "/"
