"""The lock between whoever writes blobs and `reconcile_blobs`, across processes."""

from django.db import connection

_NAME = "blobs"


def lock_blobs_shared() -> None:
    """Keep `reconcile_blobs` from deleting blobs without a row until the transaction ends.

    Called inside the transaction that commits the row, before the blob is written or looked for. Callers do not wait
    for each other.
    """
    _lock("pg_advisory_xact_lock_shared")


def lock_blobs_exclusively() -> None:
    """Wait for the transactions that share the lock, and exclude others until this one ends."""
    _lock("pg_advisory_xact_lock")


def _lock(function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [_NAME])
