"""Lists a page at a time by key: page 5,000 costs what page 1 costs, and nothing is counted."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

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


def page_by_key(request: HttpRequest, found: QuerySet[Row], *, size: int) -> KeysetPage[Row]:
    """Return the rows that the address asks for by `before`, newest first; other parameters stay in the addresses."""
    before = request.GET.get("before", "")
    if before.isdecimal():
        found = found.filter(pk__lt=min(int(before), LARGEST_KEY))
    rows = list(found.order_by("-pk")[: size + 1])
    query = request.GET.copy()
    query.pop("before", None)
    first_url = f"?{query.urlencode()}" if before else ""
    if len(rows) <= size:
        return KeysetPage(rows, first_url, "")
    query["before"] = str(rows[size - 1].pk)
    return KeysetPage(rows[:size], first_url, f"?{query.urlencode()}")
