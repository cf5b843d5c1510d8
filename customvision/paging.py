"""Pages of a list that grows meanwhile: a session sees what was there when it began, and each of it once."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Max, QuerySet

from customvision.errors import ApiError
from customvision.fields import Body

DEFAULT_PAGE = 50
LONGEST_PAGE = 256


class PageToken(Body):
    """Which page is asked for, and in answers which one is next."""

    session: str | None = None
    continuation: str | None = None
    max_count: int | None = None


@dataclass(frozen=True)
class Page:
    """Where a page begins, and how long it is."""

    kind: int
    last_pk: int | None
    """The newest row that the session sees; None: it begins now."""
    after: tuple[float, int] | None
    """Uncertainty and key of the row before; None: this is the first page."""
    size: int

    def newest_of(self, rows: QuerySet[Any]) -> int:
        """Return the key of the newest of these rows that the session sees, 0 where there is none."""
        return (rows.aggregate(last=Max("pk"))["last"] or 0) if self.last_pk is None else self.last_pk

    def next_page(self, newest: int, last: tuple[float, int] | None) -> dict[str, str | None]:
        """Return what asks for the next page. last: uncertainty and key of this one's last row; None: there is no more.

        newest: as `newest_of` returned it.
        """
        continuation = f"{last[0]!r}:{last[1]}" if last else None
        return {"session": f"{self.kind}:{newest}", "continuation": continuation}


def read_page(token: PageToken, *, kind: int, code: str) -> Page:
    """Return the page that a token asks for. Raises ApiError with that code.

    kind: of list, as a number that its sessions have in them: no other list takes them.
    """
    session, continuation = token.session, token.continuation
    size = token.max_count or DEFAULT_PAGE
    if not 0 < size <= LONGEST_PAGE:
        raise ApiError(code, f"maxCount is {size}; 1 to {LONGEST_PAGE} are accepted, and 0 for {DEFAULT_PAGE}.")
    try:
        known_kind, last_pk = (int(part) for part in (session or f"{kind}:0").split(":"))
        uncertainty, pk = (continuation or "0:0").split(":")
        after = (float(uncertainty), int(pk))
    except ValueError as exc:
        sentence = "session or continuation is none that was answered here; both are null for the first page."
        raise ApiError(code, sentence) from exc
    if known_kind != kind or not (0 <= last_pk < 2**63 and 0 <= after[1] < 2**63):
        raise ApiError(code, "session or continuation belongs to another list.")
    return Page(kind, last_pk if session else None, after if continuation else None, size)
