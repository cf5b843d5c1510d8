"""`manage.py iterations`."""

from typing import Any

from training.management.project_command import ProjectCommand, percent
from training.models import Iteration


class Command(ProjectCommand):
    help = "List a project's iterations, the newest first."

    def handle(self, *, project: str, as_json: bool, **options: Any) -> None:
        found = list(self.get_project(project).iterations.all())
        self.tell([record(each) for each in found], as_json=as_json, lines=[line(each) for each in found])


def line(iteration: Iteration) -> str:
    told = f"{iteration.number:4}  {iteration.name:16}  {iteration.status:10}"
    if iteration.status == Iteration.Status.COMPLETED:
        told += f"  precision {percent(iteration.metrics.get('precision')):>8}"
        told += f"  recall {percent(iteration.metrics.get('recall')):>8}"
    if iteration.is_published:
        told += f"  published as {iteration.publish_name}"
    return told + (f"  {iteration.error}" if iteration.error else "")


def record(iteration: Iteration) -> dict[str, Any]:
    fields = ("number", "name", "status", "publish_name", "trained_at", "training_seconds", "error", "metrics")
    return {name: getattr(iteration, name) for name in fields}
