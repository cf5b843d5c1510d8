"""`manage.py unpublish`."""

from argparse import ArgumentParser
from typing import Any

from training.commands import ProjectCommand
from training.services.publishing import unpublish


class Command(ProjectCommand):
    help = "Let an iteration no longer answer."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        self.add_iteration(parser, default="the live one")
        parser.add_argument("--reason", default="", help="For the log.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would no longer answer.")

    def handle(
        self, *, project: str, iteration: int | None, reason: str, dry_run: bool, as_json: bool, **options: Any
    ) -> None:
        chosen = self.get_project(project)
        target = self.get_iteration(chosen, iteration, default=chosen.live_iteration)
        name = target.publish_name
        if dry_run:
            self.tell(
                {"would": name}, as_json=as_json, lines=[f"Would unpublish {target.name}, now {name or 'nothing'}."]
            )
            return
        unpublish(iteration=target, by=None, reason=reason)
        self.tell(
            {"iteration": target.number, "publish_name": name},
            as_json=as_json,
            lines=[f"{target.name} no longer answers as {name}."],
        )
