"""`manage.py predict`."""

import json
import os
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from classifier.backends import get_backend
from classifier.backends.base import Answer
from classifier.exceptions import PredictionError
from engine import images
from engine.exceptions import RefusedPicture
from training.models import Project


class Command(BaseCommand):
    help = "Classify photos with the project's live iteration. Nothing is stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="A photo, or a folder of them.")
        parser.add_argument("--project", default=settings.CLASSIFR_PROJECT, help="Its name (default: %(default)s).")
        parser.add_argument(
            "--json", action="store_true", dest="as_json", help="Print one JSON list instead of tables."
        )

    def handle(self, *, paths: list[Path], project: str, as_json: bool, **options: Any) -> None:
        chosen = Project.objects.select_related("live_iteration").filter(name__iexact=project).first()
        if chosen is None:
            raise CommandError(f"There is no project {project!r}.", returncode=2)
        if missing := [str(path) for path in paths if not path.exists()]:
            raise CommandError(f"No such file or folder: {', '.join(missing)}.", returncode=2)
        answers = [(path, _classify(path, chosen)) for path in _photos(paths)]
        if as_json:
            self.stdout.write(json.dumps([_record(path, answer) for path, answer in answers]))
        else:
            for path, answer in answers:
                self.write_table(path, answer)
        refused = sum(isinstance(answer, str) for _, answer in answers)
        self.stderr.write(f"{len(answers) - refused} photos classified, {refused} refused.")

    def write_table(self, path: Path, answer: Answer | str) -> None:
        if isinstance(answer, str):
            self.stdout.write(f"{_written(path)}\n  {answer}")
            return
        self.stdout.write(f"{_written(path)}  ({answer.iteration_name})")
        for row in answer.predictions:
            self.stdout.write(f"  {row.probability:7.1%}  {row.tag}")


def _photos(paths: list[Path]) -> Iterator[Path]:
    """Yield the files, and what looks like a photo anywhere below the folders, in order."""
    for path in paths:
        if path.is_dir():
            paths_below = (file for file in path.rglob("*") if file.suffix.lower() in images.SUFFIXES)
            yield from sorted(file for file in paths_below if file.is_file())
        else:
            yield path


def _classify(path: Path, project: Project) -> Answer | str:
    """Return the answer, or the sentence that says why there is none."""
    try:
        images.check_byte_size(path.stat().st_size, limits=images.PREDICTION)
        photo = images.admit(path.read_bytes(), limits=images.PREDICTION)
        return get_backend(project.backend).predict(photo, project=project)
    except (RefusedPicture, OSError) as exc:
        return str(exc)
    except PredictionError as exc:
        raise CommandError(str(exc)) from exc


def _record(path: Path, answer: Answer | str) -> dict[str, Any]:
    if isinstance(answer, str):
        return {"file": _written(path), "error": answer}
    predictions = [{"tag": row.tag, "probability": row.probability} for row in answer.predictions]
    return {"file": _written(path), "iteration": answer.iteration_name, "predictions": predictions}


def _written(path: Path) -> str:
    """Return the name for a terminal or a JSON file, whatever bytes it is made of."""
    return os.fsencode(path).decode(errors="replace")
