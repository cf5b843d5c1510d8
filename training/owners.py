"""What rooms above have of a project: it is counted before the project is deleted, and goes with it."""

from collections.abc import Iterator
from operator import call
from typing import Protocol

from django.conf import settings
from django.utils.functional import Promise

from training.models import Project
from web.registry import Registry


class ProjectOwner(Protocol):
    """Has rows of projects, and maybe pictures."""

    @property
    def noun(self) -> str | Promise:
        """What people call these rows: a plural that begins a line."""

    def count(self, project: Project) -> int:
        """Return how many go with the project."""

    def forget(self, project: Project) -> list[int]:
        """Delete the rows, in the caller's transaction; return the ids of the pictures that they pointed at."""


owners: Registry[ProjectOwner] = Registry(
    "owner of rows of projects",
    group="classifr.project_owners",
    paths=lambda: settings.CLASSIFR_PROJECT_OWNERS,
    make=call,
)


def all_owners() -> Iterator[ProjectOwner]:
    """Yield each that the setting or a plugin names."""
    return (owners.get(name) for name in owners.names())
