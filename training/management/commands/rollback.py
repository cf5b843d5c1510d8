"""`manage.py rollback`."""

from argparse import ArgumentParser
from typing import Any

from training.commands import ProjectCommand
from training.services.publishing import rollback, rollback_target


class Command(ProjectCommand):
    help = "Publish again what answered before the live iteration."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--reason", default="", help="For the log.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would come back.")

    def handle(self, *, project: str, reason: str, dry_run: bool, as_json: bool, **options: Any) -> None:
        chosen = self.get_project(project)
        if dry_run:
            target = rollback_target(chosen)
            sentence = f"Would publish {target} again." if target else "There is nothing to go back to."
            self.tell({"would": target and target.number}, as_json=as_json, lines=[sentence])
            return
        plan = rollback(project=chosen, by=None, reason=reason)
        replaced = plan.replaced.name if plan.replaced else ""
        self.tell(
            {"iteration": plan.iteration.name, "publish_name": plan.name, "replaced": replaced},
            as_json=as_json,
            lines=[f"{plan.iteration.name} answers again as {plan.name}, in place of {replaced or 'nothing'}."],
        )
