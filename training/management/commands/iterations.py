"""`manage.py iterations`."""

from typing import Any

from training.commands import ProjectCommand, line, record


class Command(ProjectCommand):
    help = "List a project's iterations, the newest first."

    def handle(self, *, project: str, as_json: bool, **options: Any) -> None:
        rows = list(self.get_project(project).iterations.all())
        self.tell([record(each) for each in rows], as_json=as_json, lines=[line(each) for each in rows])
