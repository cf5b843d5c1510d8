"""Lists a page at a time by key: page 5,000 costs what page 1 costs, and nothing is counted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
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


class Order(NamedTuple):
    """How rows follow each other; of those that share the column's value, the highest key comes first."""

    column: str = ""
    """Empty: by their keys alone, the newest first."""
    is_rising: bool = False
    """Whether the least comes first."""

    @property
    def columns(self) -> list[str]:
        return [*([self.column if self.is_rising else f"-{self.column}"] if self.column else []), "-pk"]

    def place_of(self, row: Model) -> str:
        """Return where the row is, as addresses name it."""
        if not self.column:
            return str(row.pk)
        value = getattr(row, self.column)
        return f"{row.pk}@{value.isoformat() if isinstance(value, datetime) else value}"

    def after(self, queryset: QuerySet[Row], place: str) -> QuerySet[Row]:
        """Return the rows behind that place, in order; all of them for a place that is none."""
        return self._beyond(queryset, place, is_behind=True).order_by(*self.columns)

    def before(self, queryset: QuerySet[Row], place: str) -> QuerySet[Row]:
        """Return the rows ahead of that place, the nearest first."""
        return self._beyond(queryset, place, is_behind=False).order_by(*self.columns).reverse()

    def _beyond(self, queryset: QuerySet[Row], place: str, *, is_behind: bool) -> QuerySet[Row]:
        text, _, written = place.partition("@")
        if not text.isdecimal():
            return queryset
        key = min(int(text), LARGEST_KEY)
        by_key = Q(pk__lt=key) if is_behind else Q(pk__gt=key)
        if not self.column:
            return queryset.filter(by_key)
        value = _read(queryset.model, self.column, written)
        if value is None:
            return queryset
        side = "gt" if self.is_rising == is_behind else "lt"
        there = Q(**{f"{self.column}__{side}": value}) | (Q(**{self.column: value}) & by_key)
        # The first condition says nothing new: it lets the index begin where the rows begin.
        return queryset.filter(**{f"{self.column}__{side}e": value}).filter(there)


NEWEST_FIRST = Order()


def page_by_key(
    request: HttpRequest, queryset: QuerySet[Row], *, size: int, order: Order = NEWEST_FIRST
) -> KeysetPage[Row]:
    """Return the rows that the address asks for by `before`, in order; other parameters stay in the addresses."""
    place = request.GET.get("before", "")
    rows = list(order.after(queryset, place)[: size + 1])
    query = request.GET.copy()
    query.pop("before", None)
    first_url = f"?{query.urlencode()}" if place else ""
    if len(rows) <= size:
        return KeysetPage(rows, first_url, "")
    query["before"] = order.place_of(rows[size - 1])
    return KeysetPage(rows[:size], first_url, f"?{query.urlencode()}")


def _read(model: type[Model], column: str, written: str) -> Any:
    """Return the column's value as an address names it; None for what is none."""
    try:
        field: Any = model._meta.get_field(column)  # noqa: SLF001  # Django's documented name
        value = field.to_python(written)
    except ValidationError:
        return None
    return None if isinstance(value, datetime) and not value.tzinfo else value
