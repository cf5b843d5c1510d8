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
from engine.exceptions import Refusal
from engine.folders import FoundFile, LeftOut, is_zip, open_folder, survey
from training.models import Project


class Command(BaseCommand):
    help = "Classify photos with the project's live iteration. Nothing is stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="A photo, or a folder or ZIP of them.")
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
        answers = [each for path in paths for each in _answers(path, chosen)]
        if as_json:
            self.stdout.write(json.dumps([_record(name, answer) for name, answer in answers]))
        else:
            for name, answer in answers:
                self.write_table(name, answer)
        refused = sum(isinstance(answer, str) for _, answer in answers)
        sentence = f"{len(answers) - refused} photos classified, {refused} refused."
        if refused and refused == len(answers):
            raise CommandError(sentence)
        self.stderr.write(sentence)

    def write_table(self, name: str, answer: Answer | str) -> None:
        if isinstance(answer, str):
            self.stdout.write(f"{name}\n  {answer}")
            return
        self.stdout.write(f"{name}  ({answer.iteration_name})")
        for row in answer.predictions:
            self.stdout.write(f"  {row.probability:7.1%}  {row.tag}")


def _answers(path: Path, project: Project) -> Iterator[tuple[str, Answer | str]]:
    """Yield the answer for a file, or for whatever is in a folder or a ZIP; what is the system's own is left out."""
    try:
        if path.is_file() and not _is_zip(path):
            file = FoundFile.at(path, parts=(_written(path),), byte_size=path.stat().st_size)
            yield file.name, _classify(file, project)
            return
        with open_folder(path) as opened:
            judged = survey(opened.found, limits=images.PREDICTION)
            files: list[FoundFile | LeftOut] = [*judged.pictures, *judged.left_out]
            for each in sorted(files, key=lambda file: file.parts):
                answer = str(each.reason) if isinstance(each, LeftOut) else _classify(each, project)
                yield f"{_written(path)}/{each.name}", answer
    except (Refusal, OSError) as exc:
        yield _written(path), str(exc)


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return is_zip(file.read(4))


def _classify(file: FoundFile, project: Project) -> Answer | str:
    """Return the answer, or the sentence that says why there is none."""
    try:
        images.check_byte_size(file.byte_size, limits=images.PREDICTION)
        photo = images.admit(file.read(images.PREDICTION.max_bytes + 1), limits=images.PREDICTION)
        return get_backend(project.backend).predict(photo, project=project)
    except Refusal as exc:
        return str(exc)
    except PredictionError as exc:
        raise CommandError(str(exc)) from exc


def _record(name: str, answer: Answer | str) -> dict[str, Any]:
    if isinstance(answer, str):
        return {"file": name, "error": answer}
    predictions = [{"tag": row.tag, "probability": row.probability} for row in answer.predictions]
    return {"file": name, "iteration": answer.iteration_name, "predictions": predictions}


def _written(path: Path) -> str:
    """Return the name for a terminal or a JSON file, whatever bytes it is made of."""
    return os.fsencode(path).decode(errors="replace")
