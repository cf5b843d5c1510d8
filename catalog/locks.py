"""What keeps whoever writes blobs and `reconcile_blobs` apart, in all processes."""

from django.db import connection

_NAME = "blobs"


def hold_blobs() -> None:
    """Let no blob be taken for one that nobody names until the transaction ends.

    Called inside the transaction that commits the row, before the blob is written or found to be there. Those who call
    it do not wait for each other.
    """
    _lock("pg_advisory_xact_lock_shared")


def have_blobs_alone() -> None:
    """Wait for the transactions that hold blobs, and keep others out until this one ends."""
    _lock("pg_advisory_xact_lock")


def _lock(function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [_NAME])
