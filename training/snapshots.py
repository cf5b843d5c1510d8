"""What an iteration was trained and held out on, and what it said of the latter: one file, whatever is edited later."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import BooleanField, F, Func, Value
from numpy.typing import NDArray

from catalog import storage
from engine import tensorfiles
from engine.exceptions import ModelFileError
from engine.metrics import Flags, Floats
from training.models import Image, ImageQuerySet, Iteration


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The pictures of a training by content, with their tags; rows in the order of their sha256."""

    tags: tuple[str, ...]
    """In the order of the columns."""
    tag_ids: tuple[int, ...]
    """Keys of the tags, whatever they are called now."""
    sha256s: tuple[str, ...]
    """Of all n pictures."""
    truths: Flags
    """(n, tags), True where the picture had the tag."""
    learned: Flags
    """(n,), whether it was trained on the picture."""
    measured: Flags
    """(n,), whether its figures are from the picture: the held-out ones, or, where no part could be held out, those of
    the training, each judged by a head that had not learned from it (cross-validation)."""
    probabilities: Floats
    """(measured pictures, tags): what was said of them, in the same order."""
    multilabel: bool

    @cached_property
    def measured_truths(self) -> Flags:
        """(measured pictures, tags)."""
        return self.truths[self.measured]

    @cached_property
    def measured_sha256s(self) -> tuple[str, ...]:
        return tuple(np.array(self.sha256s)[self.measured].tolist())

    @property
    def is_cross_validated(self) -> bool:
        return bool((self.learned & self.measured).any())


def dumps(snapshot: Snapshot) -> bytes:
    """Return the snapshot as a safetensors file."""
    about = {"tags": snapshot.tags, "tag_ids": snapshot.tag_ids, "multilabel": snapshot.multilabel, "format_version": 1}
    arrays: dict[str, NDArray[Any]] = {
        "sha256s": np.frombuffer(bytes.fromhex("".join(snapshot.sha256s)), dtype=np.uint8).reshape(-1, 32),
        "pairs": np.ascontiguousarray(np.argwhere(snapshot.truths), dtype=np.int32),
        "learned": snapshot.learned,
        "measured": snapshot.measured,
        "probabilities": np.ascontiguousarray(snapshot.probabilities, dtype=np.float32),
    }
    return tensorfiles.dumps(arrays, name="snapshot", about=about)


def loads(content: bytes) -> Snapshot:
    """Read what `dumps` wrote; raise ModelFileError for anything else."""
    try:
        arrays, about = tensorfiles.loads(content, name="snapshot")
        truths = np.zeros((len(arrays["sha256s"]), len(about["tags"])), dtype=np.bool_)
        truths[arrays["pairs"][:, 0], arrays["pairs"][:, 1]] = True
        return Snapshot(
            tags=tuple(about["tags"]),
            tag_ids=tuple(about["tag_ids"]),
            sha256s=tuple(row.tobytes().hex() for row in arrays["sha256s"]),
            truths=truths,
            learned=arrays["learned"],
            measured=arrays["measured"],
            probabilities=arrays["probabilities"],
            multilabel=about["multilabel"],
        )
    except tensorfiles.UNREADABLE as error:
        raise ModelFileError(f"The snapshot cannot be read: {error}") from error


def write(snapshot: Snapshot) -> str:
    """Store the snapshot under the hash of its content; return the key. Raises StorageUnavailable."""
    content = dumps(snapshot)
    key = f"snapshots/{hashlib.sha256(content).hexdigest()}.safetensors"
    storage.write_blob(key, content)
    return key


@lru_cache(maxsize=4)
def read(key: str) -> Snapshot:
    """Read a snapshot, of which this process keeps the last few. Raises StorageUnavailable and ModelFileError."""
    return loads(storage.read_blob(key))


def snapshot_of(iteration: Iteration) -> Snapshot | None:
    """Return the iteration's snapshot; None where it was not trained here, or not yet. Raises what `read` does."""
    return read(iteration.snapshot_key) if iteration.snapshot_key else None


def images_of(iteration: Iteration, rows: Flags) -> ImageQuerySet:
    """Return the images of these rows of the iteration's snapshot that were not deleted since; rows: (n,).

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
    place = {sha256: row for row, sha256 in enumerate(read(snapshot_key).sha256s)}
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
