"""`manage.py backup`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.exceptions import StorageUnavailable
from classifr.backups.exceptions import BackupError, Refused
from classifr.backups.services import make_backup
from classifr.management.progress import bar

NAMED = 10


class Command(BaseCommand):
    help = "Write the database and every blob to one file; the site may go on meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="Ends in .tar, .tar.gz, .tgz or .tar.xz.")
        parser.add_argument("--no-progress", action="store_true")

    def handle(self, *, file: Path, no_progress: bool, **options: Any) -> None:
        try:
            manifest = make_backup(path=file, report=bar(self.stderr, hidden=no_progress))
        except Refused as exc:
            raise CommandError(str(exc), returncode=2) from exc
        except (BackupError, StorageUnavailable) as exc:
            raise CommandError(str(exc)) from exc
        for key in manifest.missing[:NAMED]:
            self.stderr.write(f"The storage has lost {key}, which a row names.")
        lost = f", {len(manifest.missing)} missing" if manifest.missing else ""
        self.stdout.write(f"{file}: the database and {manifest.blobs} blobs{lost}.")
