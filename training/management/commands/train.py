"""`manage.py train`."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import CommandError

from training import examples
from training.backends.base import TrainingOptions
from training.commands import ProjectCommand, line, record
from training.examples import shipped_counts
from training.exceptions import NothingChanged
from training.models import Iteration, Project
from training.services.learning import has_changed, start_training, train_here

LARGEST_SEED = 2**31 - 1
MOST_TOLD = 20
QUARANTINED = ("uid", "name", "quarantine")


class Command(ProjectCommand):
    help = "Train the next iteration of a project on all its tags."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--wait", action="store_true", help="Train in this process instead of queueing it.")
        parser.add_argument("--force", action="store_true", help="Train though nothing has changed.")
        parser.add_argument(
            "--tags", nargs="+", default=[], metavar="TAG", help="Only these; the iteration will not know the others."
        )
        parser.add_argument("--seed", type=seed_number, default=0, help="Of all that is random (default: %(default)s).")
        parser.add_argument("--advanced", action="store_true", help="Custom Vision's advanced training, which costs.")
        parser.add_argument("--hours", type=int, default=1, help="That it may take at most (default: %(default)s).")
        parser.add_argument("--dry-run", action="store_true", help="Say whether a training could begin, and on what.")
        parser.add_argument("--no-progress", action="store_true")

    def handle(
        self,
        *,
        project: str,
        wait: bool,
        force: bool,
        tags: list[str],
        seed: int,
        advanced: bool,
        hours: int,
        dry_run: bool,
        no_progress: bool,
        as_json: bool,
        **options: Any,
    ) -> None:
        chosen = self.get_project(project)
        asked = TrainingOptions(
            tags=tuple(tags), force=force, advanced=advanced, reserved_hours=hours if advanced else 0, seed=seed
        )
        self.warn_of_forgotten_tags(chosen, tags)
        self.warn_of_other_vectors(chosen)
        if dry_run:
            self.say_what_would_be(chosen, asked, as_json=as_json)
            return
        if wait:
            iteration = train_here(project=chosen, options=asked, by=None, watch=self.bar(hidden=no_progress))
        else:
            iteration = start_training(project=chosen, options=asked, by=None)
        self.report(iteration, as_json=as_json)

    def warn_of_forgotten_tags(self, project: Project, tags: list[str]) -> None:
        forgotten = [tag.name for tag in project.tags.all() if tag.name.lower() not in {name.lower() for name in tags}]
        if tags and forgotten:
            self.stderr.write(self.style.WARNING(f"The iteration will not know {', '.join(forgotten)}."))

    def warn_of_other_vectors(self, project: Project) -> None:
        shipped = shipped_counts(project)
        if shipped and not any(shipped.values()):
            sentence = "The vectors shipped with the model are not for this domain's backbone: it goes without them."
            self.stderr.write(self.style.WARNING(sentence))

    def say_what_would_be(self, project: Project, options: TrainingOptions, *, as_json: bool) -> None:
        tags = examples.check(project, only=options.tags)
        if not (options.force or has_changed(project, tags, seed=options.seed)):
            raise NothingChanged("Nothing has changed since the last training.")
        names, aside = [tag.name for tag in tags], quarantined(project)
        shipped = shipped_counts(project)
        along = sum(shipped.get(tag.pk, 0) for tag in tags)
        lines = [f"Would train on {len(names)} tags: {', '.join(names)}."]
        lines += [f"It also learns from {along} vectors shipped with the model."] if along else []
        told = {"tags": names, "quarantined": aside, "shipped": along}
        self.tell(told, as_json=as_json, lines=[*lines, *_told(aside)])

    def report(self, iteration: Iteration, *, as_json: bool) -> None:
        queued = f"{iteration.name} is queued as job {iteration.job_id}; `manage.py jobs` shows it."
        sentence = queued if iteration.status == Iteration.Status.NEW else line(iteration)
        aside = quarantined(iteration.project)
        told = record(iteration) | {"job": iteration.job_id, "quarantined": aside}
        self.tell(told, as_json=as_json, lines=[sentence, *_told(aside)])
        if iteration.status == Iteration.Status.FAILED:
            raise CommandError(iteration.error)


def quarantined(project: Project) -> list[dict[str, Any]]:
    """Return the images that training leaves aside, each with the reason."""
    images = project.images.exclude(quarantine="").order_by("pk")
    return [{"id": str(uid), "name": name, "reason": reason} for uid, name, reason in images.values_list(*QUARANTINED)]


def _told(aside: list[dict[str, Any]]) -> list[str]:
    """Tell of them in lines, for people."""
    lines = [f"  {each['name'] or each['id']}: {each['reason']}" for each in aside[:MOST_TOLD]]
    more = [f"  and {len(aside) - MOST_TOLD} more, which --json names"] if len(aside) > MOST_TOLD else []
    return [f"Training leaves {len(aside)} images aside, which are in quarantine:", *lines, *more] if aside else []


def seed_number(text: str) -> int:
    """Read a seed."""
    if not text.isdecimal() or int(text) > LARGEST_SEED:
        raise ArgumentTypeError(f"{text!r} is no whole number from 0 to {LARGEST_SEED}")
    return int(text)
