"""What may be posted to each view, and by whom: one `Takes` a view, in one registry. `web.limits` refuses the rest."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from django.http import HttpRequest, HttpResponse

from web.typing import View

KIBI = 1024
SMALL_BODY_BYTES = 1024 * KIBI  # of a view that says nothing: forms, the longest are the admin's
FORM_BYTES = 512 * KIBI  # that may stand around the files of a form

Admission: TypeAlias = Callable[[HttpRequest, Mapping[str, Any]], bool]
"""Says, from the headers and what the address names, whether the body of a request is read."""


def is_signed_in(request: HttpRequest, _named: Mapping[str, Any]) -> bool:
    return request.user.is_authenticated


@dataclass(frozen=True)
class Rate:
    """Counts what is posted to a view against CLASSIFR_PHOTOS_PER_MINUTE and its like for addresses."""

    kind: str
    """Views of one kind are counted together."""
    weight: int = 1
    """How many times as many requests these may be."""


@dataclass(frozen=True)
class Takes:
    """How much may be posted to a view, how often, and how the rest is refused."""

    max_bytes: int
    """Of its files: the limit that refusals name."""
    leeway: int = FORM_BYTES
    """Bytes above it that are read too: a form around the files, or what the view refuses in words of its own."""
    words: Callable[[int, int], HttpResponse] | None = None
    """Refuses so many bytes where so many are the limit; None: as `web.limits.refusal` does."""
    rate: Rate | None = None
    admits: Admission | None = None
    """None: whoever sends it, as of a small form."""

    @property
    def body_bytes(self) -> int:
        return self.max_bytes + self.leeway


_SMALL = Takes(SMALL_BODY_BYTES, leeway=0)
_registry: dict[View, Takes] = {}

Decorated = TypeVar("Decorated", bound=View)


def limited_to(takes: Takes) -> Callable[[Decorated], Decorated]:
    """Let a view take that; it stands above the view's other decorators, which make other views of it."""

    def decorate(view: Decorated) -> Decorated:
        _registry[view] = takes
        return view

    return decorate


def taken_by(view: View) -> Takes:
    """Return what that view takes: a small form, if it says nothing."""
    return _registry.get(view, _SMALL)
