"""Lists a page at a time by key: page 5,000 costs what page 1 costs, and nothing is counted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.dateparse import parse_datetime

LARGEST_KEY = 2**63 - 1
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class KeysetPage(Generic[Row]):
    """Some rows, and where the others are; `_paging.html` shows the two addresses."""

    rows: list[Row]
    first_url: str
    """Of the newest; empty on the first page."""
    next_url: str
    """Of the older ones; empty on the last page."""


def page_by_key(request: HttpRequest, queryset: QuerySet[Row], *, size: int, moment: str = "") -> KeysetPage[Row]:
    """Return the rows that the address asks for by `before`, newest first; other parameters stay in the addresses.

    Newest is the highest key, or the latest in the column `moment`, and of those that share it the highest key.
    """
    before = request.GET.get("before", "")
    key, at = _parsed(before)
    if moment and at:
        queryset = queryset.filter(**{f"{moment}__lte": at}).filter(Q(**{f"{moment}__lt": at}) | Q(pk__lt=key))
    elif key and not moment:
        queryset = queryset.filter(pk__lt=key)
    rows = list(queryset.order_by(*([f"-{moment}"] if moment else []), "-pk")[: size + 1])
    query = request.GET.copy()
    query.pop("before", None)
    first_url = f"?{query.urlencode()}" if before else ""
    if len(rows) <= size:
        return KeysetPage(rows, first_url, "")
    last = rows[size - 1]
    query["before"] = f"{last.pk}@{getattr(last, moment).isoformat()}" if moment else str(last.pk)
    return KeysetPage(rows[:size], first_url, f"?{query.urlencode()}")


def _parsed(before: str) -> tuple[int | None, datetime | None]:
    """Return the key that `before` begins with, and the moment that follows it; None for what is not there."""
    key, _, moment = before.partition("@")
    if not key.isdecimal():
        return None, None
    try:
        at = parse_datetime(moment)
    except ValueError:
        at = None
    return min(int(key), LARGEST_KEY), at if at and at.tzinfo else None
