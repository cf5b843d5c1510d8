"""What the commands on keys have in common."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import translation

from training.models import Project


class KeyCommand(BaseCommand):
    """A command on keys; a terminal speaks English throughout.

    Exit codes: 0 done, 1 failed, 2 asked wrongly.
    """

    def execute(self, *args: Any, **options: Any) -> str | None:
        with translation.override("en"):
            return super().execute(*args, **options)

    def find_project(self, name_or_id: str) -> Project:
        """Return the project of that name, or that programs know by that id."""
        project = Project.objects.filter(name__iexact=name_or_id).first() or self._by_id(name_or_id)
        if project is None:
            names = ", ".join(Project.objects.order_by("name").values_list("name", flat=True)[:20])
            raise CommandError(f"There is no project {name_or_id!r}; there are: {names or 'none'}.", returncode=2)
        return project

    def _by_id(self, text: str) -> Project | None:
        try:
            return Project.objects.filter(uid=UUID(text)).first()
        except ValueError:
            return None
