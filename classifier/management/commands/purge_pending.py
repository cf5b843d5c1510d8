"""`manage.py purge_pending`."""

from typing import Any

from django.core.management.base import BaseCommand

from classifier import services


class Command(BaseCommand):
    help = "Erase the photos whose verdict never came."

    def handle(self, **options: Any) -> None:
        self.stdout.write(f"{services.purge_pending()} photos erased.")
