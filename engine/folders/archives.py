"""Folders in a ZIP: entries are read one by one, nothing is ever unpacked to a disk."""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, cast

from engine.exceptions import RefusedFile
from engine.folders.files import FoundFile, LeftOut
from engine.folders.system import is_system
from engine.images.refusals import MEBI, gettext_noop

MOST_ENTRIES = 100_000
MOST_DIRECTORY_BYTES = 16 * MEBI
"""Of the list of entries, which is in memory while the ZIP is open."""
MOST_UNPACKED_BYTES = 64 * 1024 * MEBI
MOST_RATIO = 100
"""Unpacked over packed bytes of all; pictures are hardly packed at all, drawings in BMP somewhat."""
SUSPICIOUS_BYTES = 100 * MEBI
"""Less is harmless whatever its ratio."""

BROKEN = gettext_noop("The ZIP is broken or incomplete, and cannot be read.")
TOO_MANY_ENTRIES = gettext_noop("The ZIP has too many entries; at most {limit} are accepted.")
BOMB = gettext_noop(
    "The ZIP would unpack to {size} MiB from {packed} MiB; at most {limit} MiB and {ratio} times its size are accepted."
)
ENCRYPTED = gettext_noop("The file is locked by a password in the ZIP. Make the ZIP again without one.")
UNSAFE_PATH = gettext_noop("Its path in the ZIP leads out of the folder.")
NO_FILE = gettext_noop("It is a link, a pipe or a device in the ZIP, and no file.")
METHOD = gettext_noop("The ZIP packs it by a method that is not read here. Make an ordinary ZIP (deflate).")
BROKEN_ENTRY = gettext_noop("The file is broken in the ZIP.")

_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""The other ones of zipfile unpack without a bound on memory."""
_BREAKS = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    ValueError,
    zlib.error,
    OverflowError,
    struct.error,
)
"""What zipfile raises of a file that makes no sense."""
_SEPARATORS = re.compile(r"[/\\]")
"""Both: some programs of Windows write their own."""


def is_zip(start: bytes) -> bool:
    return start.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def walk(file: BinaryIO) -> Iterator[FoundFile | LeftOut]:
    """Yield the entries of a ZIP that stays open meanwhile and while they are read; raise RefusedFile."""
    byte_size = file.seek(0, io.SEEK_END)
    try:
        archive = zipfile.ZipFile(cast("BinaryIO", _BoundedReads(file)))
    except (*_BREAKS, OSError) as exc:
        raise RefusedFile(BROKEN) from exc
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    _check_measures(entries, byte_size)
    return (_judged(archive, entry) for entry in entries)


def _check_measures(entries: list[zipfile.ZipInfo], packed: int) -> None:
    if len(entries) > MOST_ENTRIES:
        raise RefusedFile(TOO_MANY_ENTRIES, limit=MOST_ENTRIES)
    size = sum(entry.file_size for entry in entries)
    if size > MOST_UNPACKED_BYTES or (size > SUSPICIOUS_BYTES and size > MOST_RATIO * packed):
        raise RefusedFile(
            BOMB,
            size=size // MEBI,
            packed=-(-packed // MEBI),
            limit=MOST_UNPACKED_BYTES // MEBI,
            ratio=MOST_RATIO,
        )


def _judged(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> FoundFile | LeftOut:
    name = _name(entry)
    parts = tuple(part for part in _SEPARATORS.split(name) if part not in {"", "."})
    if not parts or ".." in parts or name[0] in "/\\" or re.match(r"[A-Za-z]:", name):
        return LeftOut((name,), RefusedFile(UNSAFE_PATH))
    if is_system(parts):
        return FoundFile(parts, entry.file_size, io.BytesIO)
    if stat.S_IFMT(entry.external_attr >> 16) not in {0, stat.S_IFREG}:
        return LeftOut(parts, RefusedFile(NO_FILE))
    if entry.flag_bits & 0x1:
        return LeftOut(parts, RefusedFile(ENCRYPTED), is_photo=True)
    if entry.compress_type not in _METHODS:
        return LeftOut(parts, RefusedFile(METHOD), is_photo=True)
    return FoundFile(parts, entry.file_size, partial(_open, archive, entry))


def _open(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> BinaryIO:
    try:
        return cast("BinaryIO", _Entry(archive.open(entry)))
    except _BREAKS as exc:
        raise RefusedFile(BROKEN_ENTRY) from exc


class _Entry(io.BufferedIOBase):
    """An entry that is read; raises RefusedFile for one that is broken."""

    def __init__(self, entry: io.BufferedIOBase | object) -> None:
        self._entry = cast("BinaryIO", entry)

    def read(self, size: int | None = -1) -> bytes:
        try:
            return self._entry.read(-1 if size is None else size)
        except _BREAKS as exc:
            raise RefusedFile(BROKEN_ENTRY) from exc

    def close(self) -> None:
        self._entry.close()
        super().close()


class _BoundedReads:
    """A file of which no single read may be large: zipfile reads the list of entries at once, as long as it says."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size > MOST_DIRECTORY_BYTES:
            raise RefusedFile(TOO_MANY_ENTRIES, limit=MOST_ENTRIES)
        return self._file.read(size if size >= 0 else MOST_DIRECTORY_BYTES)


def _name(entry: zipfile.ZipInfo) -> str:
    """Return the path as it was meant: many programs write UTF-8 without saying so, which zipfile takes for cp437."""
    if entry.flag_bits & 0x800:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode()
    except UnicodeError:
        return entry.filename
