"""Store pictures, read them, discard them, deliver those that the storage refused."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from django.core.cache import caches
from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone
from numpy.typing import NDArray

from accounts.models import User
from catalog import storage
from catalog.exceptions import StorageUnavailable
from catalog.locks import lock_blobs_shared
from catalog.models import Picture, Vector, WaitingBlob
from engine import images
from engine.images import AdmittedPicture

logger = logging.getLogger(__name__)

THUMBNAIL_SIDE = 480  # pixels of the longer side
MOST_A_DELIVERY = 100
"""Blobs that a worker delivers before it looks for other work."""
WRITERS = 4
"""Blobs of one batch that are written at a time."""

_INSERT = """
    INSERT INTO catalog_picture (sha256, blob_key, format, width, height, byte_size, created_by_id, created_at)
    SELECT *, %s::bigint, statement_timestamp()
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::int[], %s::int[], %s::int[])
    ON CONFLICT DO NOTHING RETURNING *
"""


def store_picture(picture: AdmittedPicture, *, by: User | None, may_wait: bool = False) -> Picture:
    """Store one picture as `store_pictures` does.

    Raises, without `may_wait`, StorageUnavailable; then nothing was stored.
    """
    [stored] = store_pictures([picture], by=by, may_wait=may_wait)
    if isinstance(stored, StorageUnavailable):
        raise stored
    return stored


def store_pictures(
    admitted: Sequence[AdmittedPicture], *, by: User | None, may_wait: bool = False
) -> list[Picture | StorageUnavailable]:
    """Store the pictures unless the same content is there; return each one's row, or why the storage refuses it.

    Of a picture that is refused nothing was stored. With `may_wait` none is: its bytes wait in the database, and at
    once, without asking the storage, while it has just refused others: a storage that hangs makes one person wait, not
    everybody.
    """
    by_sha256 = {picture.sha256: picture for picture in admitted}
    # The blobs are written inside the transaction: the rows' locks keep a deletion of the same content out until the
    # caller has committed what points at them, and a storage that refuses takes the row back.
    with transaction.atomic():
        lock_blobs_shared()
        pictures, new = _lock_rows(by_sha256, by=by)
        known = [picture.pk for picture in pictures.values() if picture.sha256 not in new]
        waiting = set(WaitingBlob.objects.filter(picture__in=known).values_list("picture_id", flat=True))
        to_write = [picture for picture in pictures.values() if picture.pk not in waiting]
        if may_wait and WaitingBlob.objects.put_off(timezone.now()).exists():
            refused: dict[str, StorageUnavailable | None] = dict.fromkeys(picture.sha256 for picture in to_write)
        else:
            refused = _write_blobs(to_write, by_sha256, new=new)
        if may_wait:
            for sha256, reason in refused.items():
                _store_waiting(pictures[sha256], by_sha256[sha256].content, reason)
            refused = {}
        Picture.objects.filter(sha256__in=new & refused.keys()).delete()
        _clear_lost(picture for picture in pictures.values() if picture.sha256 not in refused)
    return [refused.get(picture.sha256) or pictures[picture.sha256] for picture in admitted]


def _lock_rows(admitted: Mapping[str, AdmittedPicture], *, by: User | None) -> tuple[dict[str, Picture], set[str]]:
    """Insert the rows that are missing and lock them all; return them by sha256, and which of them are new.

    Both in the order of their sha256: of two that keep the same pictures, one waits for the other.
    """
    columns = [list(column) for column in zip(*(_row(admitted[sha256]) for sha256 in sorted(admitted)), strict=True)]
    pictures: dict[str, Picture] = {}
    new: set[str] = set()
    while missing := admitted.keys() - pictures.keys():  # a row may be deleted between the two statements
        made = {picture.sha256: picture for picture in Picture.objects.raw(_INSERT, [by.pk if by else None, *columns])}
        new.update(made)
        locked = Picture.objects.select_for_update().filter(sha256__in=missing - made.keys()).order_by("sha256")
        pictures |= made | {picture.sha256: picture for picture in locked}
    return pictures, new


def _row(admitted: AdmittedPicture) -> tuple[str, str, str, int, int, int]:
    key = f"pictures/{admitted.sha256[:2]}/{admitted.sha256}"
    return admitted.sha256, key, admitted.format, admitted.width, admitted.height, len(admitted.content)


def _write_blobs(
    pictures: Sequence[Picture], admitted: Mapping[str, AdmittedPicture], *, new: Collection[str]
) -> dict[str, StorageUnavailable | None]:
    """Put the bytes into the storage unless they are there; return by sha256 why it refuses which.

    Several at once: to write is mostly to wait for a disk or a network.
    """

    def write(picture: Picture) -> StorageUnavailable | None:
        try:
            if picture.sha256 in new or not storage.has_blob(picture.blob_key):  # one that was lost comes back
                storage.write_blob(picture.blob_key, admitted[picture.sha256].content)
        except StorageUnavailable as exc:
            return exc
        return None

    if len(pictures) <= 1:
        reasons = [write(picture) for picture in pictures]
    else:
        with ThreadPoolExecutor(WRITERS) as pool:
            reasons = list(pool.map(write, pictures))
    return {picture.sha256: reason for picture, reason in zip(pictures, reasons, strict=True) if reason}


def _store_waiting(picture: Picture, content: bytes, reason: StorageUnavailable | None) -> None:
    """Store the bytes in the database until the storage takes them. reason: None if it was not asked."""
    now = timezone.now()
    waiting = WaitingBlob(picture=picture, content=content, next_try_at=now)
    if reason:
        waiting.note_refusal(reason.reason, now=now)
    waiting.save()
    logger.warning("Picture waits for the storage sha256=%s error=%s", picture.sha256, waiting.last_error or "-")


def _clear_lost(pictures: Iterable[Picture]) -> None:
    """Clear the mark that the storage has lost these."""
    lost = [picture for picture in pictures if picture.lost_at]
    if lost:
        Picture.objects.filter(pk__in=[picture.pk for picture in lost]).update(lost_at=None)
    for picture in lost:
        picture.lost_at = None


def deliver_waiting() -> int:
    """Write the blobs that wait and are due, each once among all workers; return how many were written.

    It ends at the first that is refused: the others are tried when it is called again. A process that dies between
    the blob and the commit leaves both, and the same bytes are written once more under the same key.
    """
    delivered = 0
    while delivered < MOST_A_DELIVERY and _deliver_next():
        delivered += 1
    return delivered


def _deliver_next() -> bool:
    """Deliver the blob that has waited longest; say whether there was one and the storage took it."""
    with transaction.atomic():
        # The row stays locked meanwhile: another worker skips it, and whoever discards the picture waits for its end.
        free = WaitingBlob.objects.due(timezone.now()).select_for_update(skip_locked=True, of=("self",))
        waiting = free.select_related("picture").first()
        if waiting is None:
            return False
        try:
            storage.write_blob(waiting.picture.blob_key, bytes(waiting.content))
        except StorageUnavailable as exc:
            waiting.note_refusal(exc.reason, now=timezone.now())
            waiting.save(update_fields=["attempts", "next_try_at", "last_error"])
            logger.warning("Not delivered %s attempts=%s: %s", waiting, waiting.attempts, waiting.last_error)
            return False
        waiting.delete()
    logger.info("Delivered %s attempts=%s", waiting, waiting.attempts)
    return True


def is_waiting(picture: Picture) -> bool:
    """Say whether the picture's bytes wait for the storage."""
    return WaitingBlob.objects.filter(picture=picture).exists()


def read_picture(picture: Picture) -> bytes:
    """Return the picture's bytes, wherever they are. Raises StorageUnavailable."""
    # In this order: what is delivered between the two is found by the second.
    waiting = WaitingBlob.objects.filter(picture=picture).values_list("content", flat=True).first()
    return storage.read_blob(picture.blob_key) if waiting is None else bytes(waiting)


def store_vector(*, picture: Picture, backbone: str, value: NDArray[np.float32]) -> Vector:
    """Store the picture's vector, shape (d,), unless that backbone's is there already."""
    vector, _ = Vector.objects.get_or_create(picture=picture, backbone=backbone, defaults={"value": value})
    return vector


def discard_picture(picture: Picture) -> bool:
    """Delete the picture, its vectors and its blob unless something still points at it; say whether it is gone.

    Raises StorageUnavailable, but not for a picture that waits for the storage; then nothing was deleted.
    """
    is_away = WaitingBlob.objects.put_off(timezone.now()).exists()
    with transaction.atomic():
        locked = Picture.objects.select_for_update().filter(pk=picture.pk).first()
        if locked is None:
            return True
        try:
            _, deleted = locked.delete()  # waits for a delivery that is under way
        except ProtectedError:
            return False
        if not deleted.get("catalog.WaitingBlob"):
            storage.delete_blob(picture.blob_key)
        elif not is_away:
            _delete_leftover(picture.blob_key)
    caches["thumbnails"].delete(picture.sha256)
    logger.info("Discarded picture sha256=%s", picture.sha256)
    return True


def _delete_leftover(key: str) -> None:
    """Delete what an attempt that seemed to fail may have written; where that cannot be, `reconcile_blobs` does."""
    try:
        storage.delete_blob(key)
    except StorageUnavailable as exc:
        logger.warning("Not looked for a leftover: %s", exc)


def thumbnail(picture: Picture) -> bytes:
    """Return a small upright JPEG of the picture, made once and then cached. Raises StorageUnavailable."""
    cached: bytes | None = caches["thumbnails"].get(picture.sha256)
    if cached is not None:
        return cached
    admitted = images.admit(read_picture(picture), limits=images.TRAINING)
    made = images.thumbnail(admitted, side=THUMBNAIL_SIDE)
    caches["thumbnails"].set(picture.sha256, made)
    return made
