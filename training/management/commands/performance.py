"""`manage.py performance`."""

from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import asdict
from typing import Any

from training import evaluation
from training.backends import get_trainer
from training.commands import ProjectCommand, percent
from training.figures import Performance
from training.models import Iteration
from training.snapshots import snapshot_of


class Command(ProjectCommand):
    help = "Print an iteration's precision, recall and average precision at a threshold, and what it confuses."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        self.add_iteration(parser, default="the newest completed")
        parser.add_argument("--threshold", type=share, default=0.5, help="0 to 1 (default: %(default)s).")

    def handle(self, *, project: str, iteration: int | None, threshold: float, as_json: bool, **options: Any) -> None:
        chosen = self.get_project(project)
        measured = self.get_iteration(chosen, iteration, default=chosen.iterations.completed().first())
        figures = get_trainer(chosen.backend).performance(measured, threshold=threshold)
        snapshot = snapshot_of(measured)
        confusions = evaluation.confusions(snapshot) if snapshot else []
        value = {
            "iteration": measured.number,
            **asdict(figures),
            "confusions": [asdict(each) for each in confusions],
        }
        self.tell(
            value,
            as_json=as_json,
            lines=[
                *_table(measured, figures),
                *[f"  {each.count:4}  {each.truth} taken for {each.said}" for each in confusions],
            ],
        )
        if measured.metrics.get("is_optimistic"):
            self.stderr.write(self.style.WARNING(evaluation.WHY_OPTIMISTIC))


def share(text: str) -> float:
    """Read a threshold; a comma is as good as a point."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ArgumentTypeError(f"{text!r} is no number from 0 to 1")
    return value


def _table(iteration: Iteration, performance: Performance) -> list[str]:
    width = max(len(each.tag) for each in performance.per_tag)
    rows = [(each.tag, each.score, each.pictures) for each in performance.per_tag]
    lines = [
        f"{iteration.name}, threshold {performance.threshold:g}",
        f"{'':{width}}  precision    recall        AP  pictures",
    ]
    for name, score, pictures in [("", performance.overall, None), *rows]:
        figures = "  ".join(
            f"{percent(value):>8}" for value in (score.precision, score.recall, score.average_precision)
        )
        lines.append(f"{name or 'all':{width}}  {figures}  {'' if pictures is None else pictures:>8}")
    return lines
