"""`manage.py create_project`."""

from argparse import ArgumentParser
from typing import Any

from training.commands import ProjectCommand
from training.models import Project
from training.services.projects import create_project


class Command(ProjectCommand):
    help = "Make a project."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--description", default="")
        parser.add_argument(
            "--domain",
            default="General",
            help="General, General [A1] (slower, more exact) or Food (default: %(default)s).",
        )
        parser.add_argument("--type", default="Multiclass", choices=Project.Type.values, help="(default: %(default)s)")
        parser.add_argument("--backend", default="local", help="local or customvision (default: %(default)s).")
        self.add_json(parser)

    def handle(self, *, as_json: bool, **options: Any) -> None:
        wanted = {name: options[name] for name in ("name", "description", "domain", "type", "backend")}
        project = create_project(**wanted)
        values = {**wanted, "id": project.pk, "remote_id": project.remote_id}
        self.tell(values, as_json=as_json, lines=[f"Project {project} made: {project.domain}, {project.type}."])
