"""`manage.py load_starter`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.exceptions import StorageUnavailable
from engine.exceptions import ModelFileError
from training.services.starter import install_starter


class Command(BaseCommand):
    help = "Make the project Food-101 with the model that Classifr ships; safe to run again."

    def handle(self, **options: Any) -> None:
        try:
            iteration, is_new = install_starter()
        except (StorageUnavailable, ModelFileError) as exc:
            raise CommandError(str(exc)) from exc
        state = "made" if is_new else "there already"
        self.stdout.write(f"Project {iteration.project}: {iteration} {state}, {iteration.project.tags.count()} tags.")
