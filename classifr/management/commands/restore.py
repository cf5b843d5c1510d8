"""`manage.py restore`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.exceptions import StorageUnavailable
from classifr.backups.exceptions import BackupError, Refused
from classifr.backups.services import Restored, inspect_backup, restore_backup
from classifr.management.progress import bar

NAMED = 10


class Command(BaseCommand):
    help = "Turn this place into the site that a backup holds; web and worker are stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument(
            "--force", action="store_true", help="Also where there is a site already; its rows are lost."
        )
        parser.add_argument("--dry-run", action="store_true", help="Only check the file, and say what it holds.")
        parser.add_argument("--no-progress", action="store_true")

    def handle(self, *, file: Path, force: bool, dry_run: bool, no_progress: bool, **options: Any) -> None:
        try:
            if dry_run:
                manifest = inspect_backup(path=file)
                self.stdout.write(f"Whole: the database of {manifest.created_at} and {manifest.blobs} blobs.")
                return
            restored = restore_backup(path=file, force=force, report=bar(self.stderr, hidden=no_progress))
        except Refused as exc:
            raise CommandError(str(exc), returncode=2) from exc
        except (BackupError, StorageUnavailable) as exc:
            raise CommandError(str(exc)) from exc
        self.tell(restored)

    def tell(self, restored: Restored) -> None:
        manifest = restored.manifest
        self.stdout.write(f"Restored the database of {manifest.created_at} and {manifest.blobs} blobs.")
        if restored.unknown:
            self.stdout.write(f"{restored.unknown} other blobs are in the storage; no row names them.")
        if restored.missing:
            self.stderr.write(f"{len(restored.missing)} blobs that rows name are missing:")
            for key in restored.missing[:NAMED]:
                self.stderr.write(key)
