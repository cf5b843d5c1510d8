"""What goes into a backup; in this process, on the tests' own database."""

import fcntl
from pathlib import Path
from typing import cast

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.utils import timezone

from catalog.models import Picture, WaitingBlob
from catalog.owners import BlobColumn, owners
from catalog.services import discard_picture
from catalog.storage import delete_blob, probe_storage, stored_blobs
from classifr.backups import services
from classifr.backups.exceptions import BackupError
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def test_photo_that_came_after_the_others_were_read_is_there(any_blobs: str, tmp_path: Path) -> None:
    factories.make_picture()
    made: list[Picture] = []

    def report(what: str, done: int, total: int | None) -> None:
        if what == "database" and not made:
            made.append(factories.make_picture())

    manifest = services.make_backup(path=tmp_path / "b.tar", report=report)

    assert f"blobs/{made[0].blob_key}" in manifest.parts
    assert (manifest.blobs, manifest.missing) == (2, [])


def test_photo_that_is_erased_before_it_is_read_has_no_row_either(
    any_blobs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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


def test_blob_that_the_storage_has_lost_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lost = factories.make_picture()
    delete_blob(lost.blob_key)

    call_command("backup", tmp_path / "b.tar")

    said = capsys.readouterr()
    assert "1 missing" in said.out
    assert lost.blob_key in said.err


def test_photo_that_waits_for_the_storage_is_not_told_as_lost(tmp_path: Path) -> None:
    waiting = factories.make_picture()
    delete_blob(waiting.blob_key)
    WaitingBlob.objects.create(picture=waiting, content=b"its bytes", next_try_at=timezone.now())

    assert services.make_backup(path=tmp_path / "b.tar").missing == []


def test_storage_that_is_away_leaves_the_last_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


@pytest.fixture
def half(tmp_path: Path) -> Path:
    """What a killed backup to `b.tar` has left."""
    folder = tmp_path / ".b.tar.abcd_123"
    folder.mkdir()
    (folder / "b.tar").write_bytes(b"half")
    return folder


def test_half_backup_is_removed_by_the_next(half: Path, tmp_path: Path) -> None:
    factories.make_picture()

    services.make_backup(path=tmp_path / "b.tar")

    assert sorted(each.name for each in tmp_path.iterdir()) == ["b.tar", "blobs"]


def test_backup_that_another_process_writes_is_left_alone(half: Path, tmp_path: Path) -> None:
    factories.make_picture()

    with (half / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        services.make_backup(path=tmp_path / "b.tar")

    assert half.exists()


def test_folder_of_another_name_is_left_alone(half: Path, tmp_path: Path) -> None:
    factories.make_picture()
    other = half.rename(tmp_path / ".b.tar.mine")

    services.make_backup(path=tmp_path / "b.tar")

    assert other.exists()


def test_probe_of_the_storage_is_not_in_the_file(tmp_path: Path) -> None:
    factories.make_picture()
    probe_storage()

    assert services.make_backup(path=tmp_path / "b.tar").blobs == 1


def test_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="cannot be written: No such file"):
        services.make_backup(path=tmp_path / "nowhere" / "b.tar")


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

    columns = [cast(BlobColumn, owners.get(folder)) for folder in owners.names()]
    assert named == {(each.model, each.column) for each in columns}
