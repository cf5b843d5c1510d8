"""Make a backup of the site that runs here, and turn this place into the site of a backup."""

import fcntl
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from accounts.models import User
from catalog.exceptions import StorageUnavailable
from catalog.owners import owners
from catalog.storage import blobs, has_blob, read_blob, stored_blobs, write_blob
from classifr.backups import archives, dumps
from classifr.backups.archives import BLOBS, DUMP, Manifest, Writer
from classifr.backups.exceptions import BackupError, Refused
from feedback.models import Misprediction

logger = logging.getLogger(__name__)

Report = Callable[[str, int, int | None], None]
"""Hears what is being done, how many are done, and of how many, None where that is not known."""

RETIRED = frozenset({"axes"})
"""Apps of earlier releases: that their migrations are not known here does not make a backup newer."""

DUMPS = 5
"""So often at most, where photos are being deleted all the while."""
_LOCK = "lock"


@dataclass(frozen=True)
class Restored:
    """What came of a restoration."""

    manifest: Manifest
    missing: list[str]
    """Keys that rows name and that no blob has."""
    unknown: int
    """Blobs that were there before and that no row names."""


def silent(what: str, done: int, total: int | None) -> None:
    """Report nothing."""


def make_backup(*, path: Path, report: Report = silent) -> Manifest:
    """Write the database and all blobs to that file, which appears when it is whole. The site may go on meanwhile.

    Every row of the dump has its blob in the file, unless the storage had lost it already: those are the manifest's
    `missing`. Raises Refused, BackupError, StorageUnavailable.
    """
    mode = archives.mode_for(path)
    if not _our_tables():
        raise Refused("There is nothing to back up: the database is empty.")
    with _written_beside(path) as folder:
        written, dump = folder / path.name, folder / DUMP
        with archives.writing(written, mode=mode) as archive:
            _add_all_blobs(archive, report)
            manifest = _add_database(archive, dump, report)
            archive.finish(manifest)
        _replace(written, path)
    return manifest


@contextmanager
def _written_beside(path: Path) -> Iterator[Path]:
    """Yield a folder of this user's alone beside the path, gone at the end; what killed ones left there goes first."""
    try:
        _remove_leftovers(path)
        with (
            tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder,
            (Path(folder) / _LOCK).open("w") as lock,
        ):
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield Path(folder)
    except OSError as exc:
        raise BackupError(f"{path} cannot be written: {exc.strerror}.") from exc


def _remove_leftovers(path: Path) -> None:
    """Remove the folders of backups to that path that nobody writes any more."""
    of_tempfile = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}")
    for folder in [folder for folder in path.parent.iterdir() if of_tempfile.fullmatch(folder.name)]:
        # Another user's, or one that is being written this very moment: its process holds the lock as long as it lives.
        with suppress(OSError), (folder / _LOCK).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
            logger.info("Removed half a backup folder=%s", folder)


def _replace(written: Path, path: Path) -> None:
    written.chmod(0o600)
    with written.open("rb") as file:
        os.fsync(file.fileno())
    written.replace(path)


def _add_all_blobs(archive: Writer, report: Report) -> None:
    for done, blob in enumerate(stored_blobs("")):
        report("blobs", done, None)
        _add_blob(archive, blob.key)


def _add_blob(archive: Writer, key: str) -> None:
    """Add the blob, unless somebody has deleted it."""
    try:
        content = read_blob(key)
    except StorageUnavailable:
        if has_blob(key):
            raise
        return
    archive.add_blob(key, content)


def _add_database(archive: Writer, dump: Path, report: Report) -> Manifest:
    """Dump the database, add the blobs that came since the others were read, and say what the file holds.

    A photo that came since and was deleted before it could be read has a row in the dump and no blob: then the
    database is dumped once more, and that row is gone.
    """
    for attempt in range(DUMPS):
        report("database", attempt, None)
        named, migrations = _dump(dump)
        for key in sorted(key for key in named if not archive.has_blob(key)):
            if has_blob(key):
                _add_blob(archive, key)
        missing = {key for key in named if not archive.has_blob(key)}
        if missing <= named_keys():
            archive.add_dump(dump)
            return Manifest(
                created_at=timezone.now().isoformat(timespec="seconds"),
                django=django.get_version(),
                postgresql=dumps.server_version(),
                migrations=migrations,
                blobs=len(archive.parts) - 1,
                missing=sorted(missing),
                parts=archive.parts,
            )
    raise BackupError("Photos are being deleted as fast as they are read: make the backup at a quieter hour.")


def _dump(path: Path) -> tuple[set[str], list[list[str]]]:
    """Dump the database; return the blobs that its rows name, and its migrations, both of the same moment."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT pg_export_snapshot()")
        [snapshot] = cursor.fetchone()
        dumps.dump(path, snapshot=snapshot)
        return named_keys(), [list(each) for each in MigrationRecorder(connection).applied_migrations()]


def named_keys() -> set[str]:
    """Return the keys of all blobs that rows name; what waits in the database for the storage has none yet."""
    return set[str]().union(*(owners.get(folder).keys() for folder in owners.names()))


def inspect_backup(*, path: Path) -> Manifest:
    """Read the whole file and say whether it could be restored here. Raises Refused and DamagedBackup."""
    manifest = archives.check(path)
    known = MigrationLoader(None).disk_migrations
    if newer := [name for name in manifest.migrations if name[0] not in RETIRED and tuple(name) not in known]:
        raise Refused(
            f"The backup was made by a newer Classifr than this one ({'.'.join(newer[0])} is not known here): "
            "restore it there."
        )
    if manifest.postgresql > dumps.server_version():
        raise Refused(
            f"The backup is from PostgreSQL {manifest.postgresql}, and this is {dumps.server_version()}: "
            f"restore it into {manifest.postgresql} or later."
        )
    return manifest


def restore_backup(*, path: Path, force: bool, report: Report = silent) -> Restored:
    """Turn this place into the site of the backup; with force also where there is a site already, which is lost.

    The file is checked before anything is touched. Blobs come first and the database in one transaction: whatever
    fails, the site that was there still has all that its rows name. Raises Refused, BackupError, StorageUnavailable.
    """
    _refuse_company()
    if not force and (found := _what_is_here()):
        raise Refused(f"There is a site here already ({found}): --force replaces it by the backup's, and it is lost.")
    report("checking", 0, None)
    manifest = inspect_backup(path=path)
    settings.CLASSIFR_VAR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.CLASSIFR_VAR) as folder:
        dump = Path(folder) / DUMP
        _write_parts(path, dump, manifest, report)
        report("database", 0, None)
        dumps.restore(dump, instead_of=[*_our_tables(), "django_migrations"])
    call_command("migrate", interactive=False, verbosity=0)
    _correct_addresses()
    named, stored = named_keys(), {blob.key for blob in stored_blobs("")}
    return Restored(manifest, sorted(named - stored), len(stored - named))


def _refuse_company() -> None:
    """Web and worker would write into the site while it is replaced."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user "
            "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        [others] = cursor.fetchone()
    if others:
        raise Refused(f"Others use the database ({others} connections): stop web and worker first.")


def _what_is_here() -> str:
    """Name what a restoration would replace; "" in an empty place."""
    if _our_tables() and (users := User.objects.count()):
        return f"{users} users"
    return "blobs" if any(True for _ in stored_blobs("")) else ""


def _our_tables() -> list[str]:
    """Name the tables that this Classifr has made here."""
    return list(connection.introspection.django_table_names(only_existing=True))


def _write_parts(path: Path, dump: Path, manifest: Manifest, report: Report) -> None:
    """Write the archive's blobs to the storage, and its database to that file."""
    done = 0
    with archives.reading(path) as parts:
        for name, file in parts:
            if name == DUMP:
                with dump.open("wb") as target:
                    shutil.copyfileobj(file, target)
            elif name.startswith(BLOBS):
                report("blobs", done, manifest.blobs)
                write_blob(name.removeprefix(BLOBS), file.read())
                done += 1


def _correct_addresses() -> None:
    """Say in each row where its blob is now: the backup may come from another storage."""
    for row in Misprediction.objects.select_related("picture").iterator():
        address = blobs().address(row.picture.blob_key)
        if row.image_url != address:
            Misprediction.objects.filter(pk=row.pk).update(image_url=address)
