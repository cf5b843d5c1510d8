"""Turn stored pictures into stored vectors, with all cores at work, and read the vectors back."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from django.db import connection, transaction
from django.db.models import BinaryField, Func
from numpy.typing import NDArray

from catalog import storage
from catalog.binary_copy import copy_rows
from catalog.exceptions import StorageUnavailable
from catalog.models import Picture, Vector, WaitingBlob
from engine import images
from engine.backbones import Backbone
from engine.exceptions import RefusedPicture

_AHEAD = 8
"""Pictures for each thread that are read before their turn."""
_ROWS_A_WRITE = 64
_ROWS_A_READ = 500
_VECTOR_PREFIX_BYTES = 4


@dataclass(frozen=True)
class Unreadable:
    """A stored picture that cannot be embedded, now or later."""

    picture: Picture
    reason: RefusedPicture | None
    """None: the storage has lost its bytes."""


def embed(
    pictures: Iterable[Picture],
    *,
    backbone: Backbone,
    threads: int,
    each: Callable[[], None] = lambda: None,
) -> list[Unreadable]:
    """Store the vectors of these pictures, whose bytes are read, decoded and embedded in so many threads at once.

    Memory holds a few pictures for each thread, however many there are. `each` is called for every picture and may
    raise; what was embedded until then is stored. Return the pictures that cannot be embedded. Raises
    StorageUnavailable and ModelFileError.
    """
    failures: list[Unreadable] = []
    vectors: list[tuple[int, NDArray[np.float32]]] = []
    with ThreadPoolExecutor(threads) as pool:
        try:
            for picture, result in _in_order(pool, pictures, backbone, ahead=_AHEAD * threads):
                if isinstance(result, Unreadable) and result.reason is None:
                    result = _embed_waiting(result, backbone)
                if isinstance(result, Unreadable):
                    failures.append(result)
                else:
                    vectors.append((picture.pk, result))
                if len(vectors) >= _ROWS_A_WRITE:
                    _store(vectors, backbone=backbone.card.name)
                each()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            _store(vectors, backbone=backbone.card.name)
    return failures


def read_vectors(
    pictures: Sequence[int], *, backbone: str, length: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return (n, length), the vectors of the pictures with these keys, in their order, and (n,) which have one.

    In PostgreSQL's binary form: a vector of 1280 numbers takes 5 KiB and no parsing.
    """
    vectors = np.zeros((len(pictures), length), dtype=np.float32)
    has_vector = np.zeros(len(pictures), dtype=np.bool_)
    place = {pk: row for row, pk in enumerate(pictures)}
    for start in range(0, len(pictures), _ROWS_A_READ):
        rows = (
            Vector.objects.filter(backbone=backbone, picture__in=pictures[start : start + _ROWS_A_READ])
            .annotate(sent=Func("value", function="vector_send", output_field=BinaryField()))
            .values_list("picture_id", "sent")
        )
        for pk, sent in rows:
            vectors[place[pk]] = np.frombuffer(sent, dtype=">f4", offset=_VECTOR_PREFIX_BYTES)
            has_vector[place[pk]] = True
    return vectors, has_vector


@contextmanager
def only_one(name: str) -> Iterator[bool]:
    """Say whether the caller is the only process, of all machines, that is in here under that name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        is_mine: bool = cursor.fetchone()[0]
    try:
        yield is_mine
    finally:
        if is_mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])


_Result = NDArray[np.float32] | Unreadable


def _in_order(
    pool: ThreadPoolExecutor, pictures: Iterable[Picture], backbone: Backbone, *, ahead: int
) -> Iterator[tuple[Picture, _Result]]:
    """Yield each picture with its result, while at most so many others are under way."""
    waiting: deque[tuple[Picture, Future[_Result]]] = deque()
    for picture in pictures:
        waiting.append((picture, pool.submit(_embed_one, picture, backbone)))
        if len(waiting) >= ahead:
            first, future = waiting.popleft()
            yield first, future.result()
    for picture, future in waiting:
        yield picture, future.result()


def _embed_one(picture: Picture, backbone: Backbone) -> _Result:
    """Return the picture's vector. Runs in a thread, touches no database."""
    try:
        return _vector(storage.read_blob(picture.blob_key), backbone)
    except RefusedPicture as exc:
        return Unreadable(picture, exc)
    except StorageUnavailable:
        if storage.has_blob(picture.blob_key):
            raise
        return Unreadable(picture, None)


def _vector(content: bytes, backbone: Backbone) -> NDArray[np.float32]:
    return backbone.vector(images.admit(content, limits=images.TRAINING))


def _embed_waiting(lost: Unreadable, backbone: Backbone) -> _Result:
    """Return the vector of a picture that the storage lacks, if its bytes wait for delivery."""
    waiting = WaitingBlob.objects.filter(picture=lost.picture).first()
    if waiting is None:
        return lost
    try:
        return _vector(bytes(waiting.content), backbone)
    except RefusedPicture as exc:
        return Unreadable(lost.picture, exc)


def _store(vectors: list[tuple[int, NDArray[np.float32]]], *, backbone: str) -> None:
    """Write these pictures' vectors and empty the list; another process may have written some."""
    if not vectors:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE embedded (picture_id bigint, value vector) ON COMMIT DROP")
        copy_rows("embedded", ["picture_id", "value"], vectors)
        cursor.execute(
            "INSERT INTO catalog_vector (picture_id, backbone, value, created_at)"
            " SELECT picture_id, %s, value, now() FROM embedded ON CONFLICT DO NOTHING",
            [backbone],
        )
    vectors.clear()
