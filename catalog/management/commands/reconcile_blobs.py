"""`manage.py reconcile_blobs`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.exceptions import StorageUnavailable
from catalog.reconciliation import reconcile_blobs


class Command(BaseCommand):
    help = "Compare the blob storage with the database: delete what no row names, tell and mark what is lost."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Change nothing, say what would be.")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        try:
            counts = reconcile_blobs(dry_run=dry_run, report=self.stdout.write)
        except StorageUnavailable as exc:
            raise CommandError(str(exc)) from exc
        self.stdout.write(
            f"{counts.stored} blobs: {counts.deleted} {'would be deleted' if dry_run else 'deleted'}, "
            f"{counts.lost} lost, {counts.found} found again; "
            f"{counts.delivered} delivered, {counts.waiting} still waiting."
        )
