"""An iteration's figures, from what it said of its held-out pictures."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from django.utils.translation import gettext_noop
from numpy.typing import NDArray

from engine import metrics
from training.backends.base import Performance, TagPerformance
from training.snapshots import Snapshot

THRESHOLD = 0.5
WHY_OPTIMISTIC = gettext_noop(
    "These figures flatter: the backbone was fine-tuned on part of the pictures, and too few others could be held out."
)


@dataclass(frozen=True)
class Confusion:
    """Held-out pictures of one tag that were taken for another."""

    truth: str
    said: str
    count: int


def performance(snapshot: Snapshot, *, threshold: float) -> Performance:
    """Return precision, recall and average precision at the threshold, over all and for each tag."""
    truths = snapshot.measured_truths
    scores = metrics.per_tag(snapshot.probabilities, truths, threshold=threshold)
    counts = truths.sum(axis=0)
    return Performance(
        threshold=threshold,
        overall=metrics.overall(snapshot.probabilities, truths, threshold=threshold),
        per_tag=tuple(
            TagPerformance(tag, score, int(count))
            for tag, score, count in zip(snapshot.tags, scores, counts, strict=True)
        ),
    )


def figures(snapshot: Snapshot) -> dict[str, Any]:
    """Return what is kept with the iteration: every figure at a threshold of 0.5, each 0 to 1 or None."""
    told = performance(snapshot, threshold=THRESHOLD)
    return {
        "threshold": THRESHOLD,
        **asdict(told.overall),
        **_of_single_tags(snapshot),
        "trained_on": int(snapshot.learned.sum()),
        "measured": int(snapshot.measured.sum()),
        "is_cross_validated": snapshot.is_cross_validated,
        "per_tag": {each.tag: {**asdict(each.score), "measured": each.pictures} for each in told.per_tag},
    }


def _of_single_tags(snapshot: Snapshot) -> dict[str, float | None]:
    """Return the figures that need each picture to have one tag."""
    if snapshot.multilabel:
        return {}
    truth = snapshot.measured_truths.argmax(axis=1).astype(np.intp)
    return {
        "top_1": metrics.top_k_accuracy(snapshot.probabilities, truth),
        "calibration_error": metrics.expected_calibration_error(snapshot.probabilities, truth),
        "log_loss": metrics.log_loss(snapshot.probabilities, truth),
    }


def confusions(snapshot: Snapshot, *, most: int = 20) -> list[Confusion]:
    """Return which tags are taken for which others, the most frequent first; none in a Multilabel project."""
    if snapshot.multilabel:
        return []
    matrix = confusion_matrix(snapshot)
    np.fill_diagonal(matrix, 0)
    order = np.argsort(-matrix, axis=None, kind="stable")[:most]
    places = [np.unravel_index(place, matrix.shape) for place in order if matrix.flat[place]]
    return [Confusion(snapshot.tags[row], snapshot.tags[column], int(matrix[row, column])) for row, column in places]


def confusion_matrix(snapshot: Snapshot) -> NDArray[np.int64]:
    """Return (tags, tags): at [i, j], how many held-out pictures of tag i were taken for tag j."""
    truth = snapshot.measured_truths.argmax(axis=1).astype(np.intp)
    return metrics.confusion_matrix(snapshot.probabilities.argmax(axis=1), truth, tags=len(snapshot.tags))
