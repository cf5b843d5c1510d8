"""Which pictures are nearly the same, by their vectors."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.heads import Floats, normalised
from engine.metrics import Indices
from engine.regression import Check, never

COSINES = (0.9, 0.95, 0.98, 0.995)
"""Cosines from which two pictures may count as one taken twice; where too many do, more is asked of those.

Of 8 million pairs of different food photographs none reaches 0.9; of a photograph and itself recompressed, made
brighter, or with its border cut, nearly all do. On a production line all pictures look alike, and more is asked.
"""
_LARGEST_SHARE = 0.1
_LARGEST = 10
"""A group may hold so many pictures (a quarter of very few), or that share: beyond, they are alike, not the same."""
_MOST_PAIRS_EACH = 20
_EXACT_UP_TO = 4_000
_BLOCK = 2_000
_BUCKETS_EACH = 2
"""Of how many nearest centres a vector joins the bucket: a pair is missed only if it shares none."""


def groups(vectors: Floats, *, seed: int = 0, check: Check = never) -> Indices:
    """Return (n,): equal numbers for pictures that are nearly the same, directly or by way of others.

    vectors: (n, d), any length. Exact up to 4,000 pictures; beyond, pictures are first put in buckets around some of
    them (an inverted file), which costs n × √n and may miss a pair at a border. Takes seconds for 100,000. `check` is
    called now and then and may raise.
    """
    unit = normalised(vectors)
    labels = np.zeros(len(unit), dtype=np.intp)
    largest = max(min(_LARGEST, len(unit) // 4), int(_LARGEST_SHARE * len(unit)))
    for cosine in COSINES:
        for label in np.flatnonzero(np.bincount(labels) > (largest if cosine > COSINES[0] else 0)):
            rows = np.flatnonzero(labels == label)
            parts = _connected(unit[rows], cosine=cosine, seed=seed, check=check)
            labels[rows] = labels.max() + 1 + parts
        labels = np.unique(labels, return_inverse=True)[1].astype(np.intp)
    return labels


def _connected(unit: Floats, *, cosine: float, seed: int, check: Check) -> Indices:
    """Return (n,) the groups at that cosine; one for all where there are too many pairs to tell."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(unit)
    near, most = [np.empty((2, 0), dtype=np.intp)], _MOST_PAIRS_EACH * count
    for pairs in _pairs(unit, cosine=cosine, seed=seed):
        check()
        near.append(pairs)
        most -= pairs.shape[1]
        if most < 0:
            return np.zeros(count, dtype=np.intp)
    first, second = np.concatenate(near, axis=1)
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(count, count))
    labels: Indices = connected_components(graph, directed=False)[1].astype(np.intp)
    return labels


def _pairs(unit: Floats, *, cosine: float, seed: int) -> Iterator[NDArray[np.intp]]:
    """Yield arrays (2, m) of the positions of near pairs."""
    if len(unit) <= _EXACT_UP_TO:
        yield from _near(unit, np.arange(len(unit)), cosine=cosine)
        return
    chosen = np.random.default_rng(seed).choice(len(unit), int(np.sqrt(len(unit))), replace=False)
    nearest = np.concatenate(
        [
            np.argpartition(-(unit[start : start + _BLOCK] @ unit[chosen].T), _BUCKETS_EACH, axis=1)[:, :_BUCKETS_EACH]
            for start in range(0, len(unit), _BLOCK)
        ]
    )
    for bucket in range(len(chosen)):
        yield from _near(unit, np.flatnonzero((nearest == bucket).any(axis=1)), cosine=cosine)


def _near(unit: Floats, rows: Indices, *, cosine: float) -> Iterator[NDArray[np.intp]]:
    """Yield (2, m), the near pairs among these rows."""
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        first, second = np.nonzero(np.triu(unit[block] @ unit[rows[start:]].T >= cosine, k=1))
        yield np.stack([block[first], rows[start:][second]])
