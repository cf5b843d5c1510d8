"""A site, as one file, comes back elsewhere; a file that is not whole changes nothing."""

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2
import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from catalog.models import Picture, WaitingBlob
from catalog.services import discard_picture
from catalog.storage import delete_blob, stored_blobs
from classifr.backups import archives, dumps, services
from classifr.backups.exceptions import BackupError, DamagedBackup, Refused
from tests import factories

pytestmark = pytest.mark.xdist_group("backup")

ROOT = Path(settings.BASE_DIR)
PASSWORD = "scram: of 'the' owner"


class Place:
    """Where a site may be: a folder, perhaps another database, perhaps Azure's storage."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "CLASSIFR_VAR": str(folder),
            "DATABASE_URL": "",
            "ALLOWED_HOSTS": "testserver",
            "LOG_LEVEL": "WARNING",
            **environment,
        }

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )

    def manage(self, *arguments: str | Path) -> str:
        done = self.run("manage.py", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def tell(self) -> dict[str, Any]:
        done = self.run("-m", "tests.classifr.a_site", "tell")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def probabilities(self, photo: Path) -> Any:
        [answer] = json.loads(self.manage("predict", "--json", photo))
        return answer["predictions"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A site with something of everything, on the embedded server and with files."""
    place = Place(tmp_path_factory.mktemp("site") / "var")
    done = place.run("-m", "tests.classifr.a_site", "fill")
    assert done.returncode == 0, done.stderr
    return place


@pytest.fixture(scope="module")
def backup(site: Place) -> Path:
    path = site.folder.parent / "site.tar.gz"
    site.manage("backup", path)
    return path


@pytest.fixture(scope="module")
def told(site: Place) -> dict[str, Any]:
    """What there is on the site."""
    return site.tell()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(factories.make_photo(seed=103))
    return path


@pytest.fixture
def server(django_db_setup: None) -> Iterator[psycopg2.extensions.connection]:
    """An administrator on the tests' own server."""
    params = connection.get_connection_params()
    admin = psycopg2.connect(host=params["host"], user=params["user"], dbname="postgres")
    admin.autocommit = True
    yield admin
    admin.close()


@pytest.fixture
def elsewhere(server: psycopg2.extensions.connection, tmp_path: Path) -> Iterator[Callable[[], Place]]:
    """Make a folder and a database without anything in it."""
    info = server.info
    names: list[str] = []

    def make() -> Place:
        names.append(f"elsewhere_{os.getpid()}_{len(names)}")
        server.cursor().execute(f"CREATE DATABASE {names[-1]} TEMPLATE template0")
        return Place(tmp_path / names[-1], DATABASE_URL=f"postgres://{info.user}@/{names[-1]}?host={info.host}")

    yield make
    for name in names:
        server.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def owned_database(server: psycopg2.extensions.connection) -> Iterator[str]:
    """The URL of an empty database whose owner has to give a password and is nobody else on the server."""
    host, cursor = server.info.host, server.cursor()
    cursor.execute("SHOW hba_file")
    [(file,)] = cursor.fetchall()
    allowed = Path(file).read_text()
    Path(file).write_text(f"local all classifr_owner scram-sha-256\n{allowed}")
    cursor.execute("CREATE ROLE classifr_owner LOGIN PASSWORD %s", [PASSWORD])
    cursor.execute("CREATE DATABASE owned OWNER classifr_owner TEMPLATE template0")
    cursor.execute("SELECT pg_reload_conf()")
    with psycopg2.connect(host=host, user=server.info.user, dbname="owned") as owned:
        owned.cursor().execute("CREATE EXTENSION vector")
    owned.close()
    yield f"postgres://classifr_owner:{quote(PASSWORD)}@/owned?host={host}"
    Path(file).write_text(allowed)
    cursor.execute("DROP DATABASE owned WITH (FORCE)")
    cursor.execute("DROP ROLE classifr_owner")
    cursor.execute("SELECT pg_reload_conf()")


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


def rewrite(source: Path, target: Path, changes: dict[str, bytes | None], *, mend: bool = False) -> Path:
    """Copy an archive with other parts (None: without it); mend also corrects the manifest's sums."""
    with tarfile.open(source) as tar:
        parts = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    manifest = archives.Manifest(**json.loads(parts.pop(archives.MANIFEST)))
    changed = {name: content for name, content in {**parts, **changes}.items() if content is not None}
    with archives.writing(target, mode="w") as writer:
        for name, content in changed.items():
            writer._add(name, io.BytesIO(content), len(content))
        writer.finish(replace(manifest, parts=writer.parts) if mend else manifest)
    return target


def rewrite_manifest(source: Path, target: Path, **fields: Any) -> Path:
    rewrite(source, target, {})
    with tarfile.open(target) as tar:
        manifest = json.loads(tar.extractfile(archives.MANIFEST).read())  # type: ignore[union-attr]
        parts = [(member, tar.extractfile(member).read()) for member in tar]  # type: ignore[union-attr]
    with tarfile.open(target, "w") as tar:
        for member, content in parts:
            changed = json.dumps(manifest | fields).encode() if member.name == archives.MANIFEST else content
            member.size = len(changed)
            tar.addfile(member, io.BytesIO(changed))
    return target


def tar_of(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(bytes(member.size)))
    return path


def member(name: str, *, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("suffix", [".tar", ".tar.gz"])
def test_file_that_was_cut_short_is_refused(backup: Path, tmp_path: Path, suffix: str, share: float) -> None:
    whole = backup if suffix == ".tar.gz" else rewrite(backup, tmp_path / "whole.tar", {})
    cut = tmp_path / f"cut{suffix}"
    # A tar ends in empty blocks, which may be missing without a loss.
    content = whole.read_bytes().rstrip(b"\0")
    cut.write_bytes(content[: int(len(content) * share)])

    with pytest.raises(DamagedBackup, match=r"no backup of Classifr|cut short"):
        archives.check(cut)


def test_file_with_one_changed_bit_is_refused(backup: Path, tmp_path: Path) -> None:
    whole = rewrite(backup, tmp_path / "whole.tar", {})
    content = bytearray(whole.read_bytes())
    content[600] ^= 1
    whole.write_bytes(content)

    with pytest.raises(DamagedBackup, match="was changed: 'blobs/"):
        archives.check(whole)


def test_file_that_lacks_a_part_is_refused(backup: Path, tmp_path: Path) -> None:
    with pytest.raises(DamagedBackup, match="database"):
        archives.check(rewrite(backup, tmp_path / "lacking.tar", {archives.DUMP: None}))


@pytest.mark.parametrize(
    "foreign",
    [
        member("../../etc/passwd"),
        member("/etc/passwd"),
        member("blobs/../../secret_key"),
        member("blobs//etc/passwd"),
        member("blobs/pictures/./x"),
        member("blobs/.hidden"),
        member("blobs/"),
        member("readme.txt"),
        member("blobs/pictures/x", kind=tarfile.SYMTYPE, target="/etc/passwd"),
        member("blobs/pictures/x", kind=tarfile.LNKTYPE, target="database.dump"),
        member("blobs/pictures/x", kind=tarfile.FIFOTYPE),
        member("blobs/pictures", kind=tarfile.DIRTYPE),
    ],
    ids=lambda each: f"{each.name} {each.type!r}",
)
def test_foreign_names_are_refused(tmp_path: Path, foreign: tarfile.TarInfo) -> None:
    with pytest.raises(DamagedBackup, match="no part of one"):
        archives.check(tar_of(tmp_path / "foreign.tar", foreign))


def test_part_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DamagedBackup, match="twice"):
        archives.check(tar_of(tmp_path / "twice.tar", member("blobs/x"), member("blobs/x")))


def test_file_that_is_no_tar_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photo.tar").write_bytes(factories.make_photo())

    with pytest.raises(DamagedBackup, match="no backup of Classifr"):
        archives.check(tmp_path / "photo.tar")


def test_manifest_that_is_none_is_refused(backup: Path, tmp_path: Path) -> None:
    with pytest.raises(DamagedBackup, match="manifest"):
        archives.check(rewrite_manifest(backup, tmp_path / "odd.tar", surprise=1))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"format": 2}, "newer Classifr"),
        ({"migrations": [["accounts", "0999_from_the_future"]]}, "accounts.0999_from_the_future"),
        ({"postgresql": 99}, "PostgreSQL 99"),
    ],
)
def test_backup_from_the_future_is_refused(backup: Path, tmp_path: Path, fields: dict[str, Any], sentence: str) -> None:
    newer = rewrite_manifest(backup, tmp_path / "newer.tar", **fields)

    with pytest.raises(CommandError, match=sentence) as refused:
        call_command("restore", "--dry-run", newer)

    assert refused.value.returncode == 2


@pytest.mark.django_db
def test_dry_run_says_that_the_file_is_whole(backup: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("restore", "--dry-run", backup)

    assert capsys.readouterr().out.startswith("Whole:")


def test_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"nothing\.tar cannot be read: No such file"):
        archives.check(tmp_path / "nothing.tar")


def test_suffix_has_to_be_known(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"\.tar\.gz"):
        archives.mode_for(tmp_path / "backup.zip")


@pytest.mark.django_db(transaction=True)
class TestMaking:
    """In this process, on the tests' own database."""

    def test_photo_that_came_after_the_others_were_read_is_there(self, any_blobs: str, tmp_path: Path) -> None:
        factories.make_picture()
        made: list[Picture] = []

        def report(what: str, done: int, total: int | None) -> None:
            if what == "database" and not made:
                made.append(factories.make_picture())

        manifest = services.make_backup(path=tmp_path / "b.tar", report=report)

        assert f"blobs/{made[0].blob_key}" in manifest.parts
        assert (manifest.blobs, manifest.missing) == (2, [])

    def test_photo_that_is_erased_before_it_is_read_has_no_row_either(
        self, any_blobs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kept = factories.make_picture()
        dumped: list[Path] = []
        really_dump = services._dump

        def dump(path: Path) -> tuple[set[str], list[list[str]]]:
            late = None if dumped else factories.make_picture()
            found = really_dump(path)
            dumped.append(path)
            if late:
                discard_picture(late)
            return found

        monkeypatch.setattr(services, "_dump", dump)

        manifest = services.make_backup(path=tmp_path / "b.tar")

        assert len(dumped) == 2
        assert [name for name in manifest.parts if name.startswith("blobs/")] == [f"blobs/{kept.blob_key}"]

    def test_blob_that_the_storage_has_lost_is_named(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        lost = factories.make_picture()
        delete_blob(lost.blob_key)

        call_command("backup", tmp_path / "b.tar")

        said = capsys.readouterr()
        assert "1 missing" in said.out
        assert lost.blob_key in said.err

    def test_photo_that_waits_for_the_storage_is_not_told_as_lost(self, tmp_path: Path) -> None:
        waiting = factories.make_picture()
        delete_blob(waiting.blob_key)
        WaitingBlob.objects.create(picture=waiting, content=b"its bytes", next_try_at=timezone.now())

        assert services.make_backup(path=tmp_path / "b.tar").missing == []

    def test_storage_that_is_away_leaves_the_last_backup(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "b.tar"
        picture = factories.make_picture()
        services.make_backup(path=path)
        before = path.read_bytes()
        [blob] = stored_blobs("")
        stored = tmp_path / "blobs" / blob.key
        stored.unlink()
        stored.mkdir()  # there, and cannot be read
        monkeypatch.setattr(services, "stored_blobs", lambda prefix: [blob])

        with pytest.raises(CommandError, match=picture.blob_key):
            call_command("backup", path)

        assert path.read_bytes() == before
        assert sorted(each.name for each in tmp_path.iterdir()) == ["b.tar", "blobs"]

    def test_folder_that_is_not_there_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(BackupError, match="cannot be written: No such file"):
            services.make_backup(path=tmp_path / "nowhere" / "b.tar")

    def test_password_is_on_no_command_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[tuple[list[str], dict[str, str]]] = []

        def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
            seen.append((command, options["env"]))
            return subprocess.CompletedProcess(command, 0, "", "")

        monkeypatch.setitem(connection.settings_dict, "PASSWORD", PASSWORD)
        monkeypatch.setattr(subprocess, "run", run)
        dumps.dump(Path("x"), snapshot="1")

        [(command, environment)] = seen
        assert not any(PASSWORD in argument for argument in command)
        assert environment["PGPASSWORD"] == PASSWORD


def test_newer_server_needs_its_own_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = tmp_path / "pg_dump"
    newer.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 19.1'\n")
    newer.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")

    assert dumps.find_program("pg_dump", 19) == str(newer)
    assert dumps.find_program("pg_dump", 15) != str(newer)
    with pytest.raises(BackupError, match="put its pg_dump on PATH"):
        dumps.find_program("pg_dump", 20)


def test_every_column_that_names_a_blob_is_known() -> None:
    """A new `…_key` is either a blob's, and then a backup has to look after it, or is called otherwise."""
    named = {
        (model, field.name)
        for model in apps.get_models()
        if model.__module__.split(".")[0]
        in {"catalog", "training", "classifier", "feedback", "customvision", "jobs", "accounts"}
        for field in model._meta.fields
        if field.name.endswith("_key") or "blob" in field.name
    }

    assert named == set(services.NAMED_BY)
