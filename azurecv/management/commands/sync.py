"""`manage.py sync`."""

from typing import Any

from training.backends import get_backend
from training.commands import ProjectCommand


class Command(ProjectCommand):
    help = "Take over what was changed at Azure Custom Vision behind our back: tags, iterations, publications."

    def handle(self, *, project: str, as_json: bool, **options: Any) -> None:
        chosen = self.get_project(project)
        told = get_backend(chosen.backend).sync(chosen)
        self.tell({"changed": told}, as_json=as_json, lines=[told])
