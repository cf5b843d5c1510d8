"""A file that is no whole backup is refused by what is wrong with it."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from classifr.backups import archives
from classifr.backups.exceptions import DamagedBackup, Refused
from tests import factories
from tests.classifr.backups.rewriting import rewrite

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("backup")]


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
