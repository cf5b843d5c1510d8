"""What settings and plugins name, found by its name."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from django.utils.module_loading import import_string

logger = logging.getLogger(__name__)

T = TypeVar("T")


class NotRegistered(LookupError):
    """Nothing has that name; the sentence says which names there are."""


@dataclass
class Registry(Generic[T]):
    """Things of one kind by name: those that a setting gives by dotted path, and the entry points of a group.

    Nothing is imported before it is asked for, and then once in each process. Where both have a name, the
    setting's counts.
    """

    noun: str
    """What sentences call one of them."""
    group: str
    """Of the entry points."""
    paths: Callable[[], Mapping[str, str]]
    """Reads the setting."""
    make: Callable[[Any], T] = lambda imported: imported
    missing: type[Exception] = NotRegistered
    """Raised with a sentence for a name that nothing has."""
    _made: dict[str, T] = field(default_factory=dict, init=False)
    """By dotted path."""

    def names(self) -> list[str]:
        """Return all names, those of the setting first, in its order."""
        return list(dict.fromkeys([*self.paths(), *self._plugins]))

    def get(self, name: str) -> T:
        """Return what has that name. Raises `missing`, and what importing a path of the setting raises."""
        thing = self.find(name)
        if thing is None:
            raise self.missing(f"There is no {self.noun} {name!r}; there are {', '.join(sorted(self.names()))}.")
        return thing

    def find(self, name: str) -> T | None:
        """Return what has that name, or None."""
        path = self.paths().get(name)
        if path is None:
            return self._plugins.get(name)
        if path not in self._made:
            self._made[path] = self.make(import_string(path))
        return self._made[path]

    def forget(self) -> None:
        """Have everything made anew when it is asked for: what tests need, as each has settings of its own."""
        self._made.clear()
        self.__dict__.pop("_plugins", None)

    @cached_property
    def _plugins(self) -> Mapping[str, T]:
        loaded = {}
        for entry in entry_points(group=self.group):
            try:
                loaded[entry.name] = self.make(entry.load())
            except Exception:  # whatever a plugin raises, the others work
                logger.warning("Plugin not loaded group=%s name=%s", self.group, entry.name, exc_info=True)
        return loaded
