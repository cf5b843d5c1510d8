"""`manage.py publish`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from training.commands import ProjectCommand
from training.comparison import compare
from training.models import Iteration, Project
from training.services.publishing import KEEP_PREVIOUS, REPLACE, Plan, plan_publication, publish


class Command(ProjectCommand):
    help = "Let an iteration answer, in place of the one that answers now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        self.add_iteration(parser, default="the newest completed")
        parser.add_argument("--name", default="", help="Publish name (default: that of the live iteration, or live).")
        parser.add_argument("--if-better", action="store_true", help="Only if it is, on the same held-out pictures.")
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
        if if_better:
            reason = " ".join(filter(None, [reason, self.require_better(chosen, target)]))
        policy = KEEP_PREVIOUS if keep_previous else REPLACE
        if dry_run:
            plan = plan_publication(iteration=target, name=name, policy=policy)
        else:
            plan = publish(iteration=target, by=None, name=name, policy=policy, reason=reason)
        self.tell_plan(plan, dry_run=dry_run, as_json=as_json)

    def tell_plan(self, plan: Plan, *, dry_run: bool, as_json: bool) -> None:
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
        self.tell({"would": changes} if dry_run else changes, as_json=as_json, lines=lines)

    def require_better(self, project: Project, new: Iteration) -> str:
        """Return why the iteration is to be published; end with exit code 1 if it is not."""
        old = project.live_iteration
        if old is None or old == new:
            return "Nothing to compare with."
        comparison = compare(new, old)
        if not comparison.is_better:
            raise CommandError(f"Not published. {comparison.sentence()}")
        self.stderr.write(comparison.sentence())
        return comparison.sentence()
