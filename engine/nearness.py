"""Which pictures are nearly the same, by their vectors."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from engine.heads import Floats, normalised
from engine.metrics import Indices

COSINES = (0.9, 0.95, 0.98, 0.995)
"""Cosines from which two pictures may count as one taken twice, the first that suits is used.

Of 8 million pairs of different food photographs none reaches 0.9; of a photograph and itself recompressed, made
brighter, or with its border cut, nearly all do. Where all pictures look alike, as on a production line, more is asked.
"""
_LARGEST_SHARE = 0.1
_LARGEST = 10
"""A group may hold so many pictures, or that share of them: beyond, the pictures are alike, not the same."""
_MOST_PAIRS_EACH = 20
_EXACT_UP_TO = 4_000
_BLOCK = 2_000
_BUCKETS_EACH = 2
"""Of how many nearest centres a vector joins the bucket: a pair is missed only if it shares none."""


def groups(vectors: Floats, *, seed: int = 0) -> Indices:
    """Return (n,): equal numbers for pictures that are nearly the same, directly or by way of others.

    vectors: (n, d), any length. Exact up to 4,000 pictures; beyond, pictures are first put in buckets around some of
    them (an inverted file), which costs n × √n and may miss a pair at a border. Takes seconds for 100,000.
    """
    unit = normalised(vectors)
    for cosine in COSINES:
        found = _groups(unit, cosine=cosine, seed=seed)
        if found is not None:
            return found
    return np.arange(len(vectors))


def _groups(unit: Floats, *, cosine: float, seed: int) -> Indices | None:
    """Return the groups at that cosine, or None where they are too large."""
    count = len(unit)
    found, most = [np.empty((2, 0), dtype=np.intp)], _MOST_PAIRS_EACH * count
    for pairs in _pairs(unit, cosine=cosine, seed=seed):
        found.append(pairs)
        most -= pairs.shape[1]
        if most < 0:
            return None
    first, second = np.concatenate(found, axis=1)
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(count, count))
    labels: Indices = connected_components(graph, directed=False)[1].astype(np.intp)
    largest = np.bincount(labels).max(initial=0)
    return labels if largest <= max(_LARGEST, _LARGEST_SHARE * count) else None


def _pairs(unit: Floats, *, cosine: float, seed: int) -> Iterator[NDArray[np.intp]]:
    """Yield arrays (2, m) of the positions of near pairs."""
    if len(unit) <= _EXACT_UP_TO:
        yield _near(unit, np.arange(len(unit)), cosine=cosine)
        return
    chosen = np.random.default_rng(seed).choice(len(unit), int(np.sqrt(len(unit))), replace=False)
    nearest = np.concatenate(
        [
            np.argpartition(-(unit[start : start + _BLOCK] @ unit[chosen].T), _BUCKETS_EACH, axis=1)[:, :_BUCKETS_EACH]
            for start in range(0, len(unit), _BLOCK)
        ]
    )
    for bucket in range(len(chosen)):
        yield _near(unit, np.flatnonzero((nearest == bucket).any(axis=1)), cosine=cosine)


def _near(unit: Floats, rows: Indices, *, cosine: float) -> NDArray[np.intp]:
    """Return (2, m), the near pairs among these rows."""
    found = []
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        first, second = np.nonzero(np.triu(unit[block] @ unit[rows[start:]].T >= cosine, k=1))
        found.append(np.stack([block[first], rows[start:][second]]))
    return np.concatenate(found, axis=1) if found else np.empty((2, 0), dtype=np.intp)
