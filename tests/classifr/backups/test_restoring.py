"""A site, as one file, comes back elsewhere."""

import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from classifr.backups import archives, dumps
from tests.classifr.backups.place import ROOT, Place
from tests.classifr.backups.rewriting import rewrite

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("backup")]


def test_site_comes_back_in_another_folder(
    site: Place, told: dict[str, Any], backup: Path, photo: Path, tmp_path: Path
) -> None:
    there = Place(tmp_path / "var")

    there.manage("restore", backup)

    after = there.tell()
    assert (told["pending"], after["pending"]) == (1, 0)
    assert after == told | {"pending": 0}
    assert after["pages"] == [200, 200, 200]
    assert len(after["blobs"]) > 15
    assert there.probabilities(photo) == site.probabilities(photo)


@pytest.mark.slow
def test_site_moves_to_azure_and_another_database_and_back(
    site: Place,
    told: dict[str, Any],
    backup: Path,
    photo: Path,
    tmp_path: Path,
    azurite: str,
    owned_database: str,
    elsewhere: Callable[[], Place],
) -> None:
    azure = {"CLASSIFR_AZURE_CONNECTION_STRING": azurite, "CLASSIFR_AZURE_CONTAINER": f"moved-{os.getpid()}"}
    there = Place(tmp_path / "there", DATABASE_URL=owned_database, **azure)
    back = elsewhere()

    there.manage("restore", backup)
    there.manage("backup", tmp_path / "azure.tar")
    back.manage("restore", tmp_path / "azure.tar")

    moved, after = there.tell(), back.tell()
    assert moved["rows"] == after["rows"] == told["rows"]
    assert moved["blobs"] == after["blobs"] == told["blobs"]
    assert moved["addresses"][0].startswith("http://")
    assert after["addresses"] == told["addresses"]
    assert there.probabilities(photo) == site.probabilities(photo)


def test_waiting_photos_and_sessions_are_not_in_the_file(site: Place, backup: Path, tmp_path: Path) -> None:
    with tarfile.open(backup) as tar:
        tar.extract(archives.DUMP, tmp_path, filter="data")
    program = dumps.find_program("pg_restore", 18)
    kept = ["classifier_pendingphoto", "django_session", "classifier_prediction"]

    rows = {
        table: subprocess.run(
            [program, "--data-only", f"--table={table}", "--file=-", tmp_path / archives.DUMP],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.count("COPY public.")
        for table in kept
    }

    assert rows == {"classifier_pendingphoto": 0, "django_session": 0, "classifier_prediction": 1}


def test_backup_is_its_owners_alone_and_leaves_nothing_beside(backup: Path) -> None:
    assert backup.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in backup.parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.slow
def test_backup_of_a_site_that_is_written_to_is_consistent(
    backup: Path, tmp_path: Path, elsewhere: Callable[[], Place]
) -> None:
    busy, there = elsewhere(), elsewhere()
    busy.manage("restore", backup)
    writing = subprocess.Popen(
        [sys.executable, "-m", "tests.classifr.a_site", "write_and_erase"],
        cwd=ROOT,
        env=busy.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert writing.stdout
        writing.stdout.readline()
        said = busy.manage("backup", tmp_path / "busy.tar")
        assert writing.poll() is None
    finally:
        writing.send_signal(signal.SIGKILL)
        writing.communicate()

    restored = there.run("manage.py", "restore", tmp_path / "busy.tar")

    assert "missing" not in said
    assert (restored.returncode, restored.stderr) == (0, "")
    assert len(there.tell()["rows"]["feedback.misprediction"]) >= 2


@pytest.mark.slow
def test_site_is_not_replaced_without_being_told(
    told: dict[str, Any], backup: Path, elsewhere: Callable[[], Place]
) -> None:
    there = elsewhere()
    there.manage("restore", backup)
    there.manage("create_project", "Made since")

    refused = there.run("manage.py", "restore", backup)
    kept = there.manage("tags", "--project", "Made since", "--json")
    there.manage("restore", "--force", backup)

    assert refused.returncode == 2
    assert "--force" in refused.stderr
    assert kept == "[]\n"
    assert there.tell()["rows"] == told["rows"]


@pytest.mark.slow
def test_dump_that_cannot_be_restored_changes_nothing(
    told: dict[str, Any], backup: Path, tmp_path: Path, elsewhere: Callable[[], Place]
) -> None:
    there = elsewhere()
    there.manage("restore", backup)
    with tarfile.open(backup) as tar:
        dump = tar.extractfile(archives.DUMP).read()  # type: ignore[union-attr]
    broken = rewrite(backup, tmp_path / "broken.tar", {archives.DUMP: dump[: len(dump) * 2 // 3]}, mend=True)

    failed = there.run("manage.py", "restore", "--force", broken)

    assert failed.returncode == 1
    assert "pg_restore failed" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert there.tell()["rows"] == told["rows"]


@pytest.mark.slow
def test_statement_that_fails_takes_all_others_back(
    told: dict[str, Any], backup: Path, elsewhere: Callable[[], Place]
) -> None:
    there = elsewhere()
    there.manage("restore", backup)
    with psycopg2.connect(there.environment["DATABASE_URL"]) as other:
        other.cursor().execute(
            "CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF tg_tag = 'CREATE INDEX' THEN RAISE 'no more'; END IF; END $$"
        )
        other.cursor().execute("CREATE EVENT TRIGGER refuse ON ddl_command_end EXECUTE FUNCTION refuse()")
    other.close()

    failed = there.run("manage.py", "restore", "--force", backup)

    assert failed.returncode == 1
    assert "no more" in failed.stderr
    assert there.tell()["rows"] == told["rows"]


@pytest.mark.slow
def test_restoration_says_which_blobs_are_missing(backup: Path, tmp_path: Path, elsewhere: Callable[[], Place]) -> None:
    there = elsewhere()
    with tarfile.open(backup) as tar:
        lost = next(name for name in tar.getnames() if name.startswith("blobs/pictures/"))
    without = rewrite(backup, tmp_path / "without.tar", {lost: None}, mend=True)

    done = there.run("manage.py", "restore", without)

    assert done.returncode == 0
    assert "1 blobs that rows name are missing" in done.stderr
    assert lost.removeprefix("blobs/") in done.stderr


def test_nobody_else_may_use_the_database_meanwhile(backup: Path, elsewhere: Callable[[], Place]) -> None:
    there = elsewhere()
    other = psycopg2.connect(there.environment["DATABASE_URL"])

    refused = there.run("manage.py", "restore", "--force", backup)
    other.close()

    assert refused.returncode == 2
    assert "stop web and worker" in refused.stderr
