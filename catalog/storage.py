"""Where blobs are stored: the two storages that `STORAGES["default"]` may name, and what is asked of both."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, cast

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from storages.backends.azure_storage import AzureStorage

from catalog.exceptions import StorageUnavailable

CONNECT_TIMEOUT_S = 5  # also for sending one block
READ_TIMEOUT_S = 5
RETRIES = 1
RETRY_AFTER_S = 0.25
BLOCK_BYTES = 4 * 1024 * 1024
"""With these, a call waits ten seconds and a bit for a storage that hangs, a quarter of one for a storage that is
stopped. The library's own pauses of 15 s and more are for programs that have nobody waiting."""


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


class AzureBlobs(AzureStorage):  # type: ignore[misc]
    """Blobs in one private container of an Azure storage account; the container is made at the first write."""

    def _get_service_client(self) -> BlobServiceClient:
        return BlobServiceClient.from_connection_string(
            self.connection_string,
            connection_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retry_total=RETRIES,
            initial_backoff=RETRY_AFTER_S,
            increment_base=0,
            random_jitter_range=0,
            max_single_put_size=BLOCK_BYTES,
            max_block_size=BLOCK_BYTES,
        )

    def _save(self, name: str, content: Any) -> str:
        try:
            return cast(str, super()._save(name, content))
        except ResourceNotFoundError:
            with suppress(ResourceExistsError):  # somebody else was faster
                self.client.create_container()
            return cast(str, super()._save(name, content))

    def address(self, key: str) -> str:
        return cast(str, self.client.get_blob_client(key).url)

    def temporary_url(self, key: str, *, seconds: int) -> str | None:
        return cast(str, self.url(key, expire=seconds))

    def stored(self, prefix: str) -> Iterator[StoredBlob]:
        with suppress(ResourceNotFoundError):  # nothing was written yet: the container is not there
            for blob in self.client.list_blobs(name_starts_with=prefix):
                yield StoredBlob(blob.name, blob.size, blob.last_modified)

    def unfinished(self, prefix: str) -> Iterator[StoredBlob]:
        return iter(())  # Azure forgets what is not finished by itself


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


def stored_blobs(prefix: str) -> Iterator[StoredBlob]:
    """Yield what `Blobs.stored` yields. Raises StorageUnavailable."""
    with _available(prefix):
        yield from blobs().stored(prefix)


def unfinished_blobs(prefix: str) -> Iterator[StoredBlob]:
    """Yield what `Blobs.unfinished` yields. Raises StorageUnavailable."""
    with _available(prefix):
        yield from blobs().unfinished(prefix)
