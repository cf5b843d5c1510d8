"""`manage.py empty_bin`."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from feedback.models import Misprediction
from feedback.services.bin import empty_bin

LONGEST_DAYS = 36500


class Command(BaseCommand):
    help = "Erase the photos that reviewers deleted so many days ago."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--days",
            type=int,
            default=settings.CLASSIFR_BIN_DAYS,
            help="How long a photo stays in the bin (default: %(default)s); 0 erases all that is in it.",
        )
        parser.add_argument("--dry-run", action="store_true", help="Say how many would be erased.")

    def handle(self, *, days: int, dry_run: bool, **options: Any) -> None:
        if not 0 <= days <= LONGEST_DAYS:
            raise CommandError(f"--days is between 0 and {LONGEST_DAYS}.", returncode=2)
        if dry_run:
            count = Misprediction.objects.expired(timezone.now(), days=days).count()
            self.stdout.write(f"{count} photos would be erased.")
            return
        refused: list[str] = []
        erased = empty_bin(days=days, report=refused.append)
        self.stdout.write(f"{erased} photos erased.")
        for key in refused:
            self.stderr.write(f"The blob storage refused {key}.")
        if refused:
            raise CommandError("What was refused is still in the bin: try again later.")
