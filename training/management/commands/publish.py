"""`manage.py publish`."""

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from training.commands import ProjectCommand
from training.exceptions import NotGoodEnough
from training.models import Iteration
from training.outcome import Comparison
from training.services.publishing import (
    KEEP_PREVIOUS,
    REPLACE,
    Plan,
    Policy,
    plan_publication,
    publish,
    publish_if_no_worse,
)


class Command(ProjectCommand):
    help = "Let an iteration answer, in place of the one that answers now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        self.add_iteration(parser, default="the newest completed")
        parser.add_argument("--name", default="", help="Publish name (default: that of the live iteration, or live).")
        parser.add_argument("--if-better", action="store_true", help="Only if it is no worse, on the same pictures.")
        parser.add_argument("--keep-previous", action="store_true", help="Leave the live one published beside it.")
        parser.add_argument("--reason", default="", help="For the log.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would be changed, or why not.")

    def handle(
        self,
        *,
        project: str,
        iteration: int | None,
        name: str,
        if_better: bool,
        keep_previous: bool,
        reason: str,
        dry_run: bool,
        as_json: bool,
        **options: Any,
    ) -> None:
        chosen = self.get_project(project)
        target = self.get_iteration(chosen, iteration, default=chosen.iterations.completed().first())
        policy = KEEP_PREVIOUS if keep_previous else REPLACE
        compared = None
        if if_better:
            plan, compared = self.publish_if_no_worse(target, name, policy, reason, dry_run=dry_run, as_json=as_json)
        elif dry_run:
            plan = plan_publication(iteration=target, name=name, policy=policy)
        else:
            plan = publish(iteration=target, by=None, name=name, policy=policy, reason=reason)
        self.tell_plan(plan, compared, dry_run=dry_run, as_json=as_json)

    def publish_if_no_worse(
        self, target: Iteration, name: str, policy: Policy, reason: str, *, dry_run: bool, as_json: bool
    ) -> tuple[Plan, Comparison | None]:
        try:
            return publish_if_no_worse(
                iteration=target, by=None, name=name, policy=policy, reason=reason, dry_run=dry_run
            )
        except NotGoodEnough as exc:
            if as_json:
                self.tell({"refused": str(exc), "comparison": _record(exc.comparison)}, as_json=True, lines=[])
            raise CommandError(f"Not published. {exc}") from exc

    def tell_plan(self, plan: Plan, compared: Comparison | None, *, dry_run: bool, as_json: bool) -> None:
        """Say what was changed, or would be."""
        replaced = plan.replaced.name if plan.replaced else ""
        changes = {
            "iteration": plan.iteration.number,
            "publish_name": plan.name,
            "former_name": plan.former_name,
            "replaced": replaced,
            "unpublished": [each.name for each in plan.unpublished],
        }
        answers, no_longer = ("would answer", "would no longer answer") if dry_run else ("answers", "no longer answers")
        lost = [(each.name, each.publish_name) for each in plan.unpublished]
        if plan.former_name:
            lost.append((plan.iteration.name, plan.former_name))
        lines = [f"{plan.iteration.name} {answers} as {plan.name}, in place of {replaced or 'nothing'}."]
        lines += [f"{iteration} {no_longer} as {name}." for iteration, name in lost]
        lines += [compared.sentence()] if compared else []
        told = {"would": changes} if dry_run else changes
        self.tell(told | ({"comparison": _record(compared)} if compared else {}), as_json=as_json, lines=lines)


def _record(compared: Comparison) -> dict[str, Any]:
    """Tell of a comparison in JSON, for programs."""
    return {
        "with": compared.old.number,
        "pictures": compared.pictures,
        "by_folds": compared.by_folds,
        "right_before": compared.old_right,
        "right": compared.new_right,
        "gained": len(compared.gained),
        "lost": len(compared.lost),
        "p_value": compared.p_value,
        "gain": compared.gain._asdict(),
        "falls": [asdict(fall) for fall in compared.falls],
        "new_tags": {"pictures": compared.new_pictures, "right": compared.new_pictures_right},
        "removed_tags": list(compared.removed),
    }
