"""`manage.py sync`."""

from typing import Any

from training.backends import get_mirror
from training.commands import ProjectCommand


class Command(ProjectCommand):
    help = "Take over what was changed at Azure Custom Vision behind our back: tags, iterations, publications."

    def handle(self, *, project: str, as_json: bool, **options: Any) -> None:
        chosen = self.get_project(project)
        mirror = get_mirror(chosen)
        nothing = "There is nothing to bring in line: nobody changes a local project elsewhere."
        sentence = mirror.sync(chosen) if mirror else nothing
        self.tell({"changed": sentence}, as_json=as_json, lines=[sentence])
