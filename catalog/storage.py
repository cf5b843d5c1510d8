"""Where blobs are stored: what is asked of the storage that `STORAGES["default"]` names, and files on this machine."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, cast

from azure.core.exceptions import AzureError
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage

from catalog.exceptions import StorageUnavailable

PROBE_KEY = "readyz/probe"
_PROBE = bytes(16 * 1024)


@dataclass(frozen=True)
class StoredBlob:
    """One blob as the storage lists it."""

    key: str
    byte_size: int
    modified_at: datetime
    """By the storage's clock."""


class Blobs(Protocol):
    """What is asked of a storage beside Django's own interface."""

    def address(self, key: str) -> str:
        """Return where the blob is, for people who look it up; it opens nothing by itself."""

    def temporary_url(self, key: str, *, seconds: int) -> str | None:
        """Return a link that shows the blob for so long without signing in; None where there is no such thing."""

    def stored(self, prefix: str) -> Iterator[StoredBlob]:
        """Yield every blob below that folder ("" or one that ends in a slash), in no particular order."""

    def unfinished(self, prefix: str) -> Iterator[StoredBlob]:
        """Yield what is being written below that folder, and what a process that died left of its writing."""


class LocalBlobs(FileSystemStorage):
    """Blobs as files in one folder of this machine, readable by its owner alone."""

    def __init__(self, location: Any) -> None:
        super().__init__(location, allow_overwrite=True)

    def _save(self, name: str, content: Any) -> str:
        """Write beside and rename into place: what was there is whole until the new file is."""
        path = Path(self.path(name))
        _make_private(path.parent)
        descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=".")
        try:
            with os.fdopen(descriptor, "wb") as written:
                for chunk in content.chunks():
                    written.write(chunk)
                written.flush()
                os.fsync(descriptor)
            Path(beside).replace(path)
        except BaseException:
            Path(beside).unlink()
            raise
        return name

    def address(self, key: str) -> str:
        return f"file:{key}"

    def temporary_url(self, key: str, *, seconds: int) -> str | None:
        return None

    def stored(self, prefix: str) -> Iterator[StoredBlob]:
        return (blob for blob in self._files(prefix) if not _is_hidden(blob.key))

    def unfinished(self, prefix: str) -> Iterator[StoredBlob]:
        return (blob for blob in self._files(prefix) if _is_hidden(blob.key))

    def _files(self, prefix: str) -> Iterator[StoredBlob]:
        root = Path(self.location)
        for folder, _, names in os.walk(root / prefix, onerror=_raise_unless_missing):
            for path in (Path(folder, name) for name in names):
                with suppress(FileNotFoundError):  # deleted meanwhile
                    facts = path.stat()
                    changed = datetime.fromtimestamp(facts.st_mtime, UTC)
                    yield StoredBlob(path.relative_to(root).as_posix(), facts.st_size, changed)


def _raise_unless_missing(error: OSError) -> None:
    """A folder that is not there holds nothing; one that cannot be read may hold anything."""
    if not isinstance(error, FileNotFoundError):
        raise error


def _is_hidden(key: str) -> bool:
    """Say whether the file is one that `LocalBlobs` writes beside the blob."""
    return key.rpartition("/")[2].startswith(".")


def _make_private(folder: Path) -> None:
    """Make the folder and those above it that are missing, each for its owner alone."""
    if not folder.is_dir():
        _make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def blobs() -> Blobs:
    """Return the storage in use."""
    return cast(Blobs, default_storage)


@contextmanager
def _available(key: str) -> Iterator[None]:
    """Raise StorageUnavailable for whatever goes wrong in there."""
    try:
        yield
    except (OSError, AzureError) as exc:
        raise StorageUnavailable(key) from exc


def write_blob(key: str, content: bytes) -> None:
    """Store those bytes under exactly that key, replacing what is there. Raises StorageUnavailable."""
    with _available(key):
        default_storage.save(key, ContentFile(content))


def has_blob(key: str) -> bool:
    """Say whether there is a blob under that key. Raises StorageUnavailable."""
    with _available(key):
        return default_storage.exists(key)


def read_blob(key: str) -> bytes:
    """Return the blob's bytes. Raises StorageUnavailable, also where there is no such blob."""
    with _available(key), default_storage.open(key) as file:
        return cast(bytes, file.read())


def delete_blob(key: str) -> None:
    """Delete the blob; one that is not there is no error. Raises StorageUnavailable."""
    with _available(key):
        default_storage.delete(key)


def probe_storage() -> None:
    """Write a blob and read it back; it is one for all processes, and stays. Raises StorageUnavailable."""
    write_blob(PROBE_KEY, _PROBE)
    read_blob(PROBE_KEY)


def stored_blobs(prefix: str) -> Iterator[StoredBlob]:
    """Yield what `Blobs.stored` yields, without the probe's. Raises StorageUnavailable."""
    with _available(prefix):
        yield from (blob for blob in blobs().stored(prefix) if blob.key != PROBE_KEY)


def unfinished_blobs(prefix: str) -> Iterator[StoredBlob]:
    """Yield what `Blobs.unfinished` yields. Raises StorageUnavailable."""
    with _available(prefix):
        yield from blobs().unfinished(prefix)
