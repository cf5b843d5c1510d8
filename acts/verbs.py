"""What may be done, and what takes it back: each room registers its verbs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.conf import settings
from django.utils.functional import Promise

from accounts.models import User
from web.registry import Registry


class Change(NamedTuple):
    """How one thing was, and how it is."""

    kind: str
    object_id: str
    before: Any
    """In JSON; None where it was not there."""
    after: Any

    def reversed(self) -> "Change":
        return self._replace(before=self.after, after=self.before)


PutBack = Callable[[Sequence[Change], User], None]
"""Brings things from `before` to `after`. Raises NotUndone where one is otherwise than `before` by now; within the
transaction of the undoing."""


@dataclass(frozen=True)
class Verb:
    """One kind of act."""

    title: str | Promise
    """As the log tells it, in the reader's language: "labelled"."""
    put_back: PutBack | None = None
    """None: it cannot be taken back."""
    noun: str | Promise = ""
    """What the things are that it changes."""
    say: Callable[[Any], str] = str
    """Tells a state that is not None, for people."""


verbs: Registry[Verb] = Registry("verb", group="classifr.verbs", paths=lambda: settings.CLASSIFR_VERBS)
