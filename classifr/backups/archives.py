"""The file of a backup: a tar of `blobs/KEY` for every blob, then `database.dump`, then `manifest.json`.

The manifest comes last and holds the sha256 of all the others, so a file that was cut short has none.
"""

import hashlib
import json
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import BufferedReader, BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

from classifr.backups.exceptions import DamagedBackup, Refused

FORMAT = 1
MANIFEST = "manifest.json"
DUMP = "database.dump"
BLOBS = "blobs/"
MODES = {".tar": "w", ".gz": "w:gz", ".tgz": "w:gz", ".xz": "w:xz"}


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself."""

    created_at: str
    """In ISO 8601, with its zone."""
    django: str
    postgresql: int
    """Major version of the server that was dumped."""
    migrations: list[list[str]]
    """Pairs of app and name, in order: the state of the tables, and so Classifr's version."""
    blobs: int
    missing: list[str]
    """Keys of blobs that rows named and that the storage had lost already."""
    parts: dict[str, str]
    """sha256 in hexadecimal, by name in the tar."""
    format: int = FORMAT


class Writer:
    """An archive that is being written."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.parts: dict[str, str] = {}

    def has_blob(self, key: str) -> bool:
        return BLOBS + key in self.parts

    def add_blob(self, key: str, content: bytes) -> None:
        self._add(BLOBS + key, BytesIO(content), len(content))

    def add_dump(self, path: Path) -> None:
        with path.open("rb") as file:
            self._add(DUMP, file, path.stat().st_size)

    def finish(self, manifest: Manifest) -> None:
        content = json.dumps(asdict(manifest), indent=1).encode()
        self._add(MANIFEST, BytesIO(content), len(content))

    def _add(self, name: str, file: BytesIO | BufferedReader, size: int) -> None:
        self.parts[name] = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        self._tar.addfile(info, file)
        _forget_members(self._tar)


@contextmanager
def writing(path: Path, *, mode: str) -> Iterator[Writer]:
    """Write an archive to that path; mode is one of MODES."""
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        yield Writer(tar)


def mode_for(path: Path) -> str:
    """Return how to write a file of that name. Raises Refused."""
    mode = MODES.get(path.suffix)
    if mode is None:
        raise Refused(f"{path} has no suffix that says how to write it; there are: .tar, .tar.gz, .tgz, .tar.xz.")
    return mode


@contextmanager
def reading(path: Path) -> Iterator[Iterator[tuple[str, BufferedReader]]]:
    """Yield name and file of each part in order; a file can be read until the next one is asked for.

    No name leads anywhere but to a part that a backup has. Raises Refused where there is no such file, DamagedBackup.
    """
    try:
        file = path.open("rb")
    except OSError as exc:
        raise Refused(f"{path} cannot be read: {exc.strerror}.") from exc
    try:
        with file, tarfile.open(fileobj=file, mode="r|*") as tar:
            yield _parts(tar)
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as exc:
        raise DamagedBackup(f"{path} is no backup of Classifr, or cut short ({exc}).") from exc


def _parts(tar: tarfile.TarFile) -> Iterator[tuple[str, BufferedReader]]:
    while member := tar.next():
        _forget_members(tar)
        file = tar.extractfile(member) if member.isreg() and _is_part(member.name) else None
        if not isinstance(file, BufferedReader):
            raise DamagedBackup(f"This is no backup of Classifr: {member.name!r} is no part of one.")
        yield member.name, file


def _forget_members(tar: tarfile.TarFile) -> None:
    """Free the members that the tar remembers: they are not needed, and there may be a million."""
    tar.members = []  # type: ignore[attr-defined]  # documented nowhere, and the only way


def _is_part(name: str) -> bool:
    if name in (DUMP, MANIFEST):
        return True
    key = PurePosixPath(name.removeprefix(BLOBS))
    # A path that was normalised and is still the same has no "//" and no "/./".
    return name == f"{BLOBS}{key}" and not key.is_absolute() and not any(part.startswith(".") for part in key.parts)


def check(path: Path) -> Manifest:
    """Read the whole archive and return its manifest. Raises Refused and DamagedBackup."""
    sums: dict[str, str] = {}
    manifest = None
    with reading(path) as parts:
        for name, file in parts:
            if name in sums or manifest:
                raise DamagedBackup(f"{path} was changed: {name!r} is there twice, or behind the manifest.")
            if name == MANIFEST:
                manifest = _parse(file.read())
            else:
                sums[name] = hashlib.file_digest(file, "sha256").hexdigest()
    if manifest is None:
        raise DamagedBackup(f"{path} is no backup of Classifr, or cut short: its end, the manifest, is missing.")
    if wrong := sorted(name for name in sums.keys() | manifest.parts if sums.get(name) != manifest.parts.get(name)):
        raise DamagedBackup(f"{path} was changed: {wrong[0]!r} is not what the manifest says ({len(wrong)} parts).")
    if DUMP not in sums:
        raise DamagedBackup(f"{path} holds no database.")
    return manifest


def _parse(content: bytes) -> Manifest:
    try:
        fields: dict[str, Any] = json.loads(content)
        if fields["format"] > FORMAT:
            raise Refused("The backup was made by a newer Classifr than this one: restore it there.")
        return Manifest(**fields)
    except (ValueError, TypeError, KeyError) as exc:
        raise DamagedBackup("The backup's manifest cannot be read.") from exc
