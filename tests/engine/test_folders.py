"""What is taken of a folder, on a disk or in a ZIP, and why the rest is not."""

import io
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import images
from engine.exceptions import RefusedFile
from engine.folders import Survey, archives, open_folder, survey
from tests.factories import make_photo

HEIC = b"\x00\x00\x00\x18ftypheic" + bytes(100)
WEBP = b"RIFF\x00\x00\x00\x00WEBP" + bytes(100)


def look(path: Path) -> Survey:
    with open_folder(path) as opened:
        return survey(opened.found, limits=images.TRAINING)


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def pack(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def names(judged: Survey) -> list[str]:
    return [each.name for each in judged.pictures]


def reasons(judged: Survey) -> dict[str, str]:
    return {each.name: str(each.reason) for each in judged.left_out}


@pytest.fixture(params=["folder", "ZIP"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[dict[str, bytes]], Path]:
    """Make a folder of files, on the disk or in a ZIP."""
    if request.param == "folder":
        return lambda files: write(tmp_path / "photos", files)
    return lambda files: pack(tmp_path / "photos.zip", files)


def test_picture_is_one_by_its_first_bytes(make: Callable[[dict[str, bytes]], Path]) -> None:
    photo = make_photo()
    files = dict.fromkeys(["a.jfif", "b.jpe", "c", "d.JPG", "e.txt"], photo)

    assert names(look(make(files))) == ["a.jfif", "b.jpe", "c", "d.JPG", "e.txt"]


def test_what_is_left_out_has_its_reason(make: Callable[[dict[str, bytes]], Path]) -> None:
    judged = look(make({"a.heic": HEIC, "b.jpg": WEBP, "c.jpg": b"", "notes.txt": b"hello", "z.zip": b"PK\x03\x04"}))

    said = reasons(judged)
    assert names(judged) == []
    assert "HEIC" in said["a.heic"]
    assert "WebP" in said["b.jpg"]
    assert "empty" in said["c.jpg"]
    assert "JPEG, PNG, BMP, GIF" in said["notes.txt"]
    assert "ZIP" in said["z.zip"]
    assert [each.name for each in judged.left_out if each.is_photo] == ["a.heic", "b.jpg", "c.jpg"]


def test_picture_that_is_too_heavy_is_left_out(make: Callable[[dict[str, bytes]], Path]) -> None:
    judged = look(make({"a.jpg": make_photo() + bytes(6 * 1024 * 1024)}))

    assert "at most 6 MiB" in reasons(judged)["a.jpg"]


@pytest.mark.parametrize(
    "name",
    [
        "@eaDir/a.jpg", "pizza/@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg", "#recycle/a.jpg", "$RECYCLE.BIN/S-1/a.jpg",
        "System Volume Information/a.jpg", "__MACOSX/pizza/._a.jpg", "pizza/._a.jpg", ".DS_Store", "pizza/Thumbs.db",
        "pizza/DESKTOP.INI", "lost+found/a.jpg", ".git/a.jpg", ".hidden/a.jpg", "pizza/a.jpg@SynoEAStream",
        "FOUND.000/a.jpg", "pizza/~$menu.jpg",
    ],
)  # fmt: skip
def test_what_is_the_systems_is_no_picture(make: Callable[[dict[str, bytes]], Path], name: str) -> None:
    judged = look(make({"pizza/a.jpg": make_photo(), name: make_photo()}))

    assert names(judged) == ["pizza/a.jpg"]
    assert (judged.left_out, judged.system_count) == ((), 1)


@pytest.mark.parametrize("name", ["pizza @home/a.jpg", "git/a.jpg", "found/a.jpg", "cvs.jpg", "Thumbs/a.jpg"])
def test_names_that_are_nearly_the_systems_are_ones_own(tmp_path: Path, name: str) -> None:
    assert names(look(write(tmp_path, {name: make_photo()}))) == [name]


def test_what_is_no_file_is_named_and_nothing_hangs(tmp_path: Path) -> None:
    write(tmp_path, {"pizza/a.jpg": make_photo()})
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "broken.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "round.jpg").symlink_to("round.jpg")
    (tmp_path / "pizza" / "loop").symlink_to(tmp_path)

    judged = look(tmp_path)

    assert names(judged) == ["pizza/a.jpg"]
    assert sorted(reasons(judged)) == ["broken.jpg", "pipe.jpg", "pizza/loop", "round.jpg"]
    assert "pipe" in reasons(judged)["pipe.jpg"]


def test_linked_folder_and_picture_are_read(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere", {"a.jpg": make_photo()})
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "pizza").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "photos" / "b.jpg").symlink_to(tmp_path / "elsewhere" / "a.jpg")

    assert names(look(tmp_path / "photos")) == ["b.jpg", "pizza/a.jpg"]


def test_names_that_are_no_utf_8_stay_apart(tmp_path: Path) -> None:
    for name in (b"p\xe2t\xe9", b"p\xe2t\xe8", b"p\x81te"):
        (tmp_path / os.fsdecode(name)).mkdir()
        (tmp_path / os.fsdecode(name) / "1.jpg").write_bytes(make_photo())

    assert names(look(tmp_path)) == ["p\\x81te/1.jpg", "pâtè/1.jpg", "pâté/1.jpg"]


def test_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"a.jpg": make_photo()})

    def refuse(*_arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)

    assert reasons(look(tmp_path)) == {"a.jpg": "The file cannot be read: Permission denied."}


@pytest.mark.parametrize("name", ["/etc/a.jpg", "../a.jpg", "pizza/../../a.jpg", "C:\\a.jpg", "\\\\server\\a.jpg"])
def test_path_that_leads_out_of_a_zip_is_refused(tmp_path: Path, name: str) -> None:
    judged = look(pack(tmp_path / "a.zip", {name: make_photo(), "pizza/a.jpg": make_photo()}))

    assert names(judged) == ["pizza/a.jpg"]
    assert "leads out" in "".join(reasons(judged).values())


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_link_and_device_in_a_zip_are_refused(tmp_path: Path, kind: int) -> None:
    entry = zipfile.ZipInfo("pizza/a.jpg")
    entry.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(entry, "/etc/passwd")

    assert "no file" in reasons(look(tmp_path / "a.zip"))["pizza/a.jpg"]


def mark_as(path: Path, *, flag: int = 0, method: int = 0) -> None:
    """Write another flag and method into the only entry of a ZIP."""
    content = bytearray(path.read_bytes())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = content.index(signature) + place
        content[start] |= flag
        content[start + 2] = method or content[start + 2]
    path.write_bytes(content)


def test_entry_with_a_password_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"pizza/a.jpg": make_photo()})
    mark_as(path, flag=1)

    assert "password" in reasons(look(path))["pizza/a.jpg"]


@pytest.mark.parametrize("method", [9, 12, 14, 93])
def test_other_methods_of_packing_are_refused(tmp_path: Path, method: int) -> None:
    path = pack(tmp_path / "a.zip", {"pizza/a.jpg": make_photo()})
    mark_as(path, method=method)

    assert "deflate" in reasons(look(path))["pizza/a.jpg"]


def test_names_in_utf_8_are_read_whether_or_not_that_is_said(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"Crème/a.jpg": make_photo()})
    assert names(look(path)) == ["Crème/a.jpg"]
    content = path.read_bytes().replace("Crème".encode(), b"Cr\xc3\xa8me")
    for signature, place in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        start = content.index(signature) + place
        content = content[:start] + b"\x00" + content[start + 1 :]
    path.write_bytes(content)

    assert names(look(path)) == ["Crème/a.jpg"]


def test_names_in_cp437_are_read(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"Pate__/a.jpg": make_photo()})
    path.write_bytes(path.read_bytes().replace(b"Pate__", "Pâté__".encode("cp437")))

    assert names(look(path)) == ["Pâté__/a.jpg"]


def test_bomb_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"pizza/a.bmp": bytes(150 * 1024 * 1024)})

    with pytest.raises(RefusedFile, match="would unpack to 150 MiB"):
        look(path)


def test_too_many_entries_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pack(tmp_path / "a.zip", {f"{number}.jpg": b"" for number in range(12)})
    monkeypatch.setattr(archives, "MOST_ENTRIES", 10)

    with pytest.raises(RefusedFile, match="at most 10"):
        look(path)


def test_list_of_entries_is_never_read_whole_when_it_is_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pack(tmp_path / "a.zip", {f"{number:0200}.jpg": b"" for number in range(50)})
    monkeypatch.setattr(archives, "MOST_DIRECTORY_BYTES", 5_000)

    with pytest.raises(RefusedFile, match="too many entries"):
        look(path)


@pytest.mark.parametrize("cut", [30, 500])
def test_broken_zip_is_refused(tmp_path: Path, cut: int) -> None:
    path = pack(tmp_path / "a.zip", {"pizza/a.jpg": make_photo()})
    path.write_bytes(path.read_bytes()[:-cut])

    with pytest.raises(RefusedFile, match="broken"):
        look(path)


def test_broken_entry_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    photo = make_photo()
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.jpg", photo[:1000])
        archive.writestr("b.jpg", photo)
    content = bytearray(path.read_bytes())
    content[600] ^= 0xFF
    path.write_bytes(content)

    judged = look(path)

    assert names(judged) == ["b.jpg"]
    assert reasons(judged) == {"a.jpg": "The file is broken in the ZIP."}


def test_entry_that_is_longer_than_it_says_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"a.jpg": make_photo() + bytes(1_000_000)})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 24 :][:4] = (9_000).to_bytes(4, "little")
    start = content.index(b"PK\x01\x02") + 24
    content[start : start + 4] = (9_000).to_bytes(4, "little")
    path.write_bytes(content)

    with open_folder(path) as opened:
        [file] = opened.found
        with pytest.raises(RefusedFile, match="broken"):
            file.read(10_000_000)  # type: ignore[union-attr]


def test_what_is_neither_folder_nor_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(make_photo())

    with pytest.raises(RefusedFile, match="no folder"):
        look(path)


def test_system_entry_of_a_zip_is_not_opened() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("__MACOSX/._a.jpg", "x")

    judged = survey(archives.walk(content), limits=images.TRAINING)

    assert judged == Survey((), (), 1)
