"""`manage.py purge_pending`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from classifier import services
from classifier.models import PendingPhoto


class Command(BaseCommand):
    help = "Erase the photos whose verdict never came."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Say how many would be erased.")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        if dry_run:
            count = PendingPhoto.objects.expired(timezone.now()).count()
            self.stdout.write(f"{count} photos would be erased.")
            return
        self.stdout.write(f"{services.purge_pending()} photos erased.")
