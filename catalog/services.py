"""Keep pictures, hand them out, let them go."""

import logging

import numpy as np
from django.core.cache import caches
from django.db import transaction
from django.db.models import ProtectedError
from numpy.typing import NDArray

from accounts.models import User
from catalog import storage
from catalog.models import Picture, Vector
from engine import images

logger = logging.getLogger(__name__)

THUMBNAIL_SIDE = 480  # pixels of the longer side


def keep_picture(*, content: bytes, limits: images.Limits, by: User | None) -> Picture:
    """Store the picture without its metadata, unless the same content is there; return its row.

    Raises RefusedPicture and StorageUnavailable; then nothing was stored.
    """
    clean = images.strip_metadata(content)
    facts = images.inspect(clean, limits=limits)
    key = f"pictures/{facts.sha256[:2]}/{facts.sha256}"
    # The blob is written inside the transaction: the row's lock keeps a deletion of the same content out until the
    # caller has committed what points at it, and a storage that refuses takes the row back.
    with transaction.atomic():
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
        if is_new or not storage.has_blob(key):  # one that was lost comes back
            storage.write_blob(key, clean)
    return picture


def keep_vector(*, picture: Picture, backbone: str, value: NDArray[np.float32]) -> Vector:
    """Store the picture's vector, shape (d,), unless that backbone's is there already."""
    vector, _ = Vector.objects.get_or_create(picture=picture, backbone=backbone, defaults={"value": value})
    return vector


def discard_picture(picture: Picture) -> bool:
    """Delete the picture, its vectors and its blob unless something still points at it; say whether it is gone.

    Raises StorageUnavailable; then nothing was deleted.
    """
    with transaction.atomic():
        locked = Picture.objects.select_for_update().filter(pk=picture.pk).first()
        if locked is None:
            return True
        try:
            locked.delete()
        except ProtectedError:
            return False
        storage.delete_blob(picture.blob_key)
    caches["thumbnails"].delete(picture.sha256)
    logger.info("Discarded picture sha256=%s", picture.sha256)
    return True


def thumbnail(picture: Picture) -> bytes:
    """Return a small upright JPEG of the picture, made once and then cached. Raises StorageUnavailable."""
    cached: bytes | None = caches["thumbnails"].get(picture.sha256)
    if cached is not None:
        return cached
    made = images.thumbnail(storage.read_blob(picture.blob_key), side=THUMBNAIL_SIDE)
    caches["thumbnails"].set(picture.sha256, made)
    return made
