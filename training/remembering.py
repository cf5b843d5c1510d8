"""Which images the snapshot of an iteration is about, as far as they are still there."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import numpy as np
from django.db.models import BooleanField, F, Func, Value
from numpy.typing import NDArray

from engine.metrics import Flags
from training import snapshots
from training.models import Image, ImageQuerySet, Iteration


def images_of(iteration: Iteration, rows: Flags) -> ImageQuerySet:
    """Return the images of these rows of the snapshot that were not deleted since; rows: (n,).

    A second for 100,000 images, and a fifth when it is asked again. Raises StorageUnavailable and ModelFileError.
    """
    trained_at = iteration.trained_at or iteration.created_at
    keys = _keys(iteration.uid, iteration.project_id, iteration.snapshot_key, trained_at)[rows]
    return _among(Image.objects.filter(project=iteration.project_id), keys[keys > 0].tolist())


@lru_cache(maxsize=4)
def _keys(uid: UUID, project: int, snapshot_key: str, trained_at: datetime) -> NDArray[np.int64]:
    """Return the keys of the rows' images, 0 for those that were gone when it was asked first.

    The answer may be cached, as images only disappear: one with the same content that is added after the training is
    another image. uid: of the iteration, so that no other gets these keys.
    """
    place = {sha256: row for row, sha256 in enumerate(snapshots.read(snapshot_key).sha256s)}
    keys = np.zeros(len(place), dtype=np.int64)
    known = Image.objects.filter(project=project, created_at__lte=trained_at)
    for sha256, pk in known.values_list("picture__sha256", "pk"):
        if sha256 in place:
            keys[place[sha256]] = pk
    return keys


def _among(images: ImageQuerySet, keys: Iterable[int]) -> ImageQuerySet:
    """Choose the images with these keys, which are one parameter of the query: there may be 100,000."""
    is_one = Func(
        F("pk"),
        Value(",".join(map(str, keys))),
        arg_joiner=" = ANY (string_to_array(",
        template="%(expressions)s, ',')::bigint[])",
        output_field=BooleanField(),
    )
    return images.filter(is_one)
