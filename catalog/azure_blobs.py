"""Blobs in Azure. A module of its own: importing Azure's client takes a third of a second of each start."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from storages.backends.azure_storage import AzureStorage

from catalog.storage import StoredBlob

CONNECT_TIMEOUT_S = 5  # also for sending one block
READ_TIMEOUT_S = 5
RETRIES = 1
RETRY_AFTER_S = 0.25
BLOCK_BYTES = 4 * 1024 * 1024
"""With these, a call waits ten seconds and a bit for a storage that hangs, a quarter of one for a storage that is
stopped. The library's own pauses of 15 s and more are for programs that have nobody waiting."""


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
        url: str = self.client.get_blob_client(key).url
        return url.partition("?")[0]  # behind which stands the signature, where that is what Azure was given

    def temporary_url(self, key: str, *, seconds: int) -> str | None:
        if not self.account_key:  # which alone can sign
            return None
        return cast(str, self.url(key, expire=seconds))

    def stored(self, prefix: str) -> Iterator[StoredBlob]:
        with suppress(ResourceNotFoundError):  # nothing was written yet: the container is not there
            for blob in self.client.list_blobs(name_starts_with=prefix):
                yield StoredBlob(blob.name, blob.size, blob.last_modified)

    def unfinished(self, prefix: str) -> Iterator[StoredBlob]:
        return iter(())  # Azure forgets what is not finished by itself
