"""What the commands on projects have in common, here and in the rooms above."""

import json
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import translation
from tqdm import tqdm

from catalog.exceptions import CatalogError
from engine.exceptions import EngineError
from jobs.progress import Progress
from training.exceptions import Refused, TrainingError
from training.models import Iteration, Project


class ProjectCommand(BaseCommand):
    """A command on one project: `--project`, `--json`, and every known refusal as one sentence.

    Exit codes: 0 done, 1 failed, 2 asked wrongly.
    """

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", default=settings.CLASSIFR_PROJECT, help="Its name (default: %(default)s).")
        self.add_json(parser)

    def add_json(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="Print JSON, for programs.")

    def add_iteration(self, parser: ArgumentParser, *, default: str) -> None:
        parser.add_argument("--iteration", type=int, metavar="N", help=f"Its number (default: {default}).")

    def execute(self, *args: Any, **options: Any) -> str | None:
        # What people read on pages is translated; a terminal speaks English throughout.
        with translation.override("en"):
            try:
                return super().execute(*args, **options)
            except Refused as exc:
                raise CommandError(str(exc), returncode=2) from exc
            except (TrainingError, CatalogError, EngineError) as exc:
                raise CommandError(str(exc)) from exc
            except UnicodeEncodeError as exc:
                raise CommandError("A name is not written in UTF-8.", returncode=2) from exc

    def get_project(self, name: str) -> Project:
        project = Project.objects.select_related("live_iteration").filter(name__iexact=name).first()
        if project is None:
            names = ", ".join(Project.objects.order_by("name").values_list("name", flat=True)[:20])
            raise CommandError(f"There is no project {name!r}; there are: {names or 'none'}.", returncode=2)
        return project

    def get_iteration(self, project: Project, number: int | None, *, default: Iteration | None) -> Iteration:
        iteration = default if number is None else project.iterations.filter(number=number).first()
        if iteration is None:
            what = "no such iteration" if number is None else f"no iteration {number}"
            raise CommandError(f"Project {project} has {what}.", returncode=2)
        return iteration

    def tell(self, value: Any, *, as_json: bool, lines: list[str]) -> None:
        """Print the lines or, for programs, the value."""
        self.stdout.write(json.dumps(value, ensure_ascii=False, cls=DjangoJSONEncoder) if as_json else "\n".join(lines))

    def bar(self, *, hidden: bool) -> Callable[[Progress], None] | None:
        """Return what shows a job's progress on the terminal; None when there is no terminal to show it on."""
        if hidden or not self.stderr.isatty():
            return None
        bar = tqdm(file=self.stderr, leave=False)

        def watch(progress: Progress) -> None:
            if bar.desc != f"{progress.message}: ":
                bar.reset(total=progress.total)
                bar.set_description(progress.message, refresh=False)
            bar.total = progress.total
            bar.update(progress.done - bar.n)

        return watch


def percent(value: float | None) -> str:
    """Return "97.5 %", or a dash for what is unknown."""
    return "–" if value is None else f"{value:.1%}".replace("%", " %")


def line(iteration: Iteration) -> str:
    """Tell of an iteration in a line, for people."""
    text = f"{iteration.number:4}  {iteration.name:16}  {iteration.status:10}  {iteration.backbone or '–':28}"
    if iteration.status == Iteration.Status.COMPLETED:
        text += f"  precision {percent(iteration.metrics.get('precision')):>8}"
        text += f"  recall {percent(iteration.metrics.get('recall')):>8}"
    if iteration.is_published:
        text += f"  published as {iteration.publish_name}"
    return text + (f"  {iteration.error}" if iteration.error else "")


def record(iteration: Iteration) -> dict[str, Any]:
    """Tell of an iteration in JSON, for programs."""
    fields = (
        "number",
        "name",
        "status",
        "backbone",
        "publish_name",
        "trained_at",
        "training_seconds",
        "error",
        "metrics",
    )
    return {name: getattr(iteration, name) for name in fields}
