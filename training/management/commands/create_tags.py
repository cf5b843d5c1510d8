"""`manage.py create_tags`."""

from argparse import ArgumentParser
from typing import Any

from training.commands import ProjectCommand
from training.models import Tag
from training.services.projects import create_tags


class Command(ProjectCommand):
    help = "Make tags in a project; those that are there already stay as they are."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("names", nargs="+", metavar="NAME")
        parser.add_argument("--negative", action="store_true", help="For images that show none of the other tags.")
        parser.add_argument("--description", default="")

    def handle(
        self, *, project: str, names: list[str], negative: bool, description: str, as_json: bool, **options: Any
    ) -> None:
        made, there = create_tags(
            project=self.get_project(project),
            names=names,
            type=Tag.Type.NEGATIVE if negative else Tag.Type.REGULAR,
            description=description,
        )
        self.tell(
            {"made": [tag.name for tag in made], "there": [tag.name for tag in there]},
            as_json=as_json,
            lines=[f"{tag.name} made" for tag in made] + [f"{tag.name} was there already" for tag in there],
        )
