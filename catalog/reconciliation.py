"""Compare the blobs with the rows that name them, and mend what differs."""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from django.db import transaction
from django.utils import timezone

from catalog import storage
from catalog.locks import lock_blobs_exclusively
from catalog.models import WaitingBlob
from catalog.owners import BlobOwner, owners
from catalog.services import deliver_waiting

logger = logging.getLogger(__name__)

SPARED = timedelta(hours=1)
"""Age up to which a blob without a row is left alone: its transaction may be under way."""
_BATCH = 100
"""Blobs that are deleted, or looked for again, under the exclusive lock."""


@dataclass
class Counts:
    """What was found, and mended unless it was a rehearsal."""

    stored: int = 0
    delivered: int = 0
    waiting: int = 0
    """Pictures whose bytes still wait in the database."""
    deleted: int = 0
    """Blobs that no row named, and leftovers of writes that were cut off."""
    lost: int = 0
    """Blobs that a row names and the storage lacks."""
    found: int = 0
    """Blobs that were lost and are there again."""


def reconcile_blobs(*, dry_run: bool, report: Callable[[str], None], folders: Collection[str] | None = None) -> Counts:
    """Bring storage and rows in line, folder by folder; folders without an owner are not touched.

    folders: those of `owners` to look at; None: all.

    Memory holds the keys of one folder, and nothing else of its blobs and rows. `report` gets a line for each blob that
    is deleted, lost or found again. Raises StorageUnavailable; what was mended until then stays, and it can be called
    again.
    """
    counts = Counts(delivered=0 if dry_run else deliver_waiting())
    for prefix in owners.names():
        if folders is None or prefix in folders:
            _Folder(prefix, owners.get(prefix), counts, dry_run=dry_run, report=report).reconcile()
    counts.waiting = WaitingBlob.objects.count()
    logger.info("Reconciled blobs dry_run=%s %s", dry_run, counts)
    return counts


class _Folder:
    """One folder of blobs, and the rows that name them."""

    def __init__(
        self, prefix: str, owner: BlobOwner, counts: Counts, *, dry_run: bool, report: Callable[[str], None]
    ) -> None:
        self.prefix, self.owner, self.counts = prefix, owner, counts
        self.dry_run, self.report = dry_run, report

    def reconcile(self) -> None:
        # The blobs first: one that is written after this has a row that is newer still, or is looked for again.
        spared = timezone.now() - SPARED
        stored, old = set(), set()
        for blob in storage.stored_blobs(self.prefix):
            stored.add(blob.key)
            if blob.modified_at < spared:
                old.add(blob.key)
        named = set(self.owner.keys())
        self.counts.stored += len(stored)
        for keys in _batches(old - named):
            self._delete_unnamed(keys)
        for keys in _batches(named - stored):
            self._note_lost(keys)
        self._note_found(self.owner.lost() & stored)
        for blob in storage.unfinished_blobs(self.prefix):
            if blob.modified_at < spared:
                self._delete(blob.key)

    def _delete_unnamed(self, keys: list[str]) -> None:
        with transaction.atomic():
            lock_blobs_exclusively()
            named = self.owner.named(keys)  # those that somebody has named since they were listed
            for key in keys:
                if key not in named:
                    self._delete(key)

    def _delete(self, key: str) -> None:
        if not self.dry_run:
            storage.delete_blob(key)
        self.counts.deleted += 1
        self.report(f"{'Would delete' if self.dry_run else 'Deleted'} {key}")

    def _note_lost(self, keys: list[str]) -> None:
        with transaction.atomic():
            lock_blobs_exclusively()
            named = self.owner.named(keys)
            lost = [key for key in keys if key in named and not storage.has_blob(key)]
            if not self.dry_run:
                self.owner.note(lost, are_lost=True)
        self.counts.lost += len(lost)
        for key in lost:
            self.report(f"Lost {key}, {self.owner.describe(key)}")

    def _note_found(self, keys: set[str]) -> None:
        if not self.dry_run:
            self.owner.note(keys, are_lost=False)
        self.counts.found += len(keys)
        for key in sorted(keys):
            self.report(f"{'Is there' if self.dry_run else 'Found'} again {key}")


def _batches(keys: Iterable[str]) -> Iterator[list[str]]:
    """Yield the keys in order, some at a time."""
    remaining = iter(sorted(keys))
    while batch := list(islice(remaining, _BATCH)):
        yield batch
