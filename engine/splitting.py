"""Which pictures are held out, so that what is measured on them is honest."""

import hashlib
import math
from collections import defaultdict
from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from engine.metrics import Flags, Indices

HELD_OUT_SHARE = 0.2


class Part(IntEnum):
    """On which side of the split a picture is."""

    UNDECIDED = 0
    TRAINING = 1
    HELD_OUT = 2
    LEFT_OUT = 3
    """On neither: nearly the same as pictures that were trained on and others that were held out, or are."""


Parts = NDArray[np.int8]


def split(
    parts: Parts,
    *,
    sha256s: Sequence[str],
    truths: Flags,
    groups: Indices,
    may_hold_out: Flags,
    is_new: Flags,
    salt: str,
    share: float = HELD_OUT_SHARE,
) -> Parts:
    """Return (n,) the part of each picture; what was decided stays, unless it is new and could measure nothing.

    parts: (n,), what was decided before. truths: (n, tags). groups: (n,), equal for near-duplicates, which never
    straddle the split. may_hold_out: (n,), False for what must not measure anything. is_new: (n,), whether no training
    has seen the picture's part yet. Of each tag that share of the pictures is held out, at least one if it has two:
    those whose sha256, with the salt, hashes lowest. So a picture's side depends on its content alone as long as
    nothing is decided before.
    """
    decided = _follow_near_duplicates(parts, groups, may_hold_out=may_hold_out, is_new=is_new)
    order = _by_hash(sha256s, salt=salt)
    members = _members(groups)
    # Rare tags first: the pictures that they share with common ones count for both.
    for tag in np.argsort(truths.sum(axis=0), kind="stable"):
        has_tag = truths[:, tag]
        missing = _quota(int(has_tag.sum()), share) - int((has_tag & (decided == Part.HELD_OUT)).sum())
        for row in order[has_tag[order]]:
            if missing <= 0:
                break
            group = members[groups[row]]
            count = int(has_tag[group].sum())
            leaves_enough = 2 * count <= has_tag.sum()
            if decided[row] == Part.UNDECIDED and may_hold_out[group].all() and leaves_enough:
                decided[group] = Part.HELD_OUT
                missing -= count
    decided[decided == Part.UNDECIDED] = Part.TRAINING
    return decided


def deal(labels: Indices, groups: Indices, *, count: int, seed: int = 0) -> Indices:
    """Return (n,), in which of so many folds each picture is: each label in all where that can be.

    labels: (n,), of any numbers. groups: (n,), equal for near-duplicates, which come into one fold: that of the first.
    """
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(first))
    order = order[np.argsort(labels[first[order]], kind="stable")]
    folds = np.empty(len(first), dtype=np.intp)
    folds[order] = np.arange(len(first)) % count
    return folds[group]


def _quota(count: int, share: float) -> int:
    """Return how many of so many pictures are held out: never all."""
    return min(math.ceil(share * count), count - 1)


def _follow_near_duplicates(parts: Parts, groups: Indices, *, may_hold_out: Flags, is_new: Flags) -> Parts:
    """Return the parts, undecided pictures having taken the side of those that are nearly the same.

    What must not measure anything is left out where that side is held out.

    A new picture that is nearly the same as some that were trained on and some that were held out is left out, also
    when it was meant to be held out: it would measure nothing.
    """
    decided = parts.copy()
    for group in _members(groups).values():
        if len(group) == 1:
            continue
        sides = set(parts[group].tolist()) & {Part.TRAINING, Part.HELD_OUT}
        undecided = group[parts[group] == Part.UNDECIDED]
        if len(sides) == 1:
            side = sides.pop()
            decided[undecided] = side
            if side == Part.HELD_OUT:
                decided[undecided[~may_hold_out[undecided]]] = Part.LEFT_OUT
        elif sides:
            decided[undecided] = Part.LEFT_OUT
            decided[group[(parts[group] == Part.HELD_OUT) & is_new[group]]] = Part.LEFT_OUT
    return decided


def _members(groups: Indices) -> dict[int, Indices]:
    """Return the rows of each group."""
    rows_of = defaultdict(list)
    for row, group in enumerate(groups.tolist()):
        rows_of[group].append(row)
    return {group: np.array(rows) for group, rows in rows_of.items()}


def _by_hash(sha256s: Sequence[str], *, salt: str) -> Indices:
    """Return the rows in an order that looks random, and is the same whenever the contents and the salt are."""
    keys = [hashlib.sha256(f"{salt} {sha256}".encode()).digest() for sha256 in sha256s]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.intp)
