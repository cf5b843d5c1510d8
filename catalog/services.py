"""Keep pictures, hand them out, let them go, deliver those that the storage refused."""

import logging

import numpy as np
from django.core.cache import caches
from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone
from numpy.typing import NDArray

from accounts.models import User
from catalog import storage
from catalog.exceptions import StorageUnavailable
from catalog.locks import hold_blobs
from catalog.models import Picture, Vector, WaitingBlob
from engine import images

logger = logging.getLogger(__name__)

THUMBNAIL_SIDE = 480  # pixels of the longer side
MOST_A_DELIVERY = 100
"""Blobs that a worker delivers before it looks for other work."""


def keep_picture(*, content: bytes, limits: images.Limits, by: User | None, may_wait: bool = False) -> Picture:
    """Store the picture without its metadata, unless the same content is there; return its row.

    With `may_wait` the bytes wait in the database when the storage refuses them, and at once, without asking it, while
    it has just refused others: a storage that hangs makes one person wait, not everybody.

    Raises RefusedPicture and, without `may_wait`, StorageUnavailable; then nothing was stored.
    """
    clean = images.strip_metadata(content)
    facts = images.inspect(clean, limits=limits)
    key = f"pictures/{facts.sha256[:2]}/{facts.sha256}"
    # The blob is written inside the transaction: the row's lock keeps a deletion of the same content out until the
    # caller has committed what points at it, and a storage that refuses takes the row back.
    with transaction.atomic():
        hold_blobs()
        picture, is_new = Picture.objects.select_for_update().get_or_create(
            sha256=facts.sha256,
            defaults={
                "format": facts.format,
                "width": facts.width,
                "height": facts.height,
                "byte_size": facts.byte_size,
                "blob_key": key,
                "created_by": by,
            },
        )
        if is_new or not is_waiting(picture):
            _keep_bytes(picture, clean, is_new=is_new, may_wait=may_wait)
        if picture.lost_at:
            picture.lost_at = None
            picture.save(update_fields=["lost_at"])
    return picture


def _keep_bytes(picture: Picture, content: bytes, *, is_new: bool, may_wait: bool) -> None:
    """Put the bytes into the storage unless they are there, or let them wait."""
    now = timezone.now()
    waiting = WaitingBlob(picture=picture, content=content, next_try_at=now)
    if not (may_wait and WaitingBlob.objects.put_off(now).exists()):
        try:
            if is_new or not storage.has_blob(picture.blob_key):  # one that was lost comes back
                storage.write_blob(picture.blob_key, content)
        except StorageUnavailable as exc:
            if not may_wait:
                raise
            waiting.note_refusal(exc.reason, now=timezone.now())
        else:
            return
    waiting.save()
    logger.warning("Picture waits for the storage sha256=%s error=%s", picture.sha256, waiting.last_error or "-")


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


def keep_vector(*, picture: Picture, backbone: str, value: NDArray[np.float32]) -> Vector:
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
    made = images.thumbnail(read_picture(picture), side=THUMBNAIL_SIDE)
    caches["thumbnails"].set(picture.sha256, made)
    return made
