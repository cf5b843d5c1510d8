"""How good a classifier is, from its probabilities and the truth. Pure functions on arrays.

Everywhere: `probabilities` is (n, tags), 0 to 1; `truth` is (n,), the index of each picture's tag; `truths` is
(n, tags), True where the picture has the tag. A share of nothing (no picture, nothing predicted, a tag that no picture
has) is None: it is unknown, neither 0 nor 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32] | NDArray[np.float64]
Indices = NDArray[np.intp]
Flags = NDArray[np.bool_]

_SMALLEST = 1e-15
"""Probabilities are raised to this before their logarithm is taken."""


@dataclass(frozen=True)
class Score:
    """Custom Vision's three figures, each 0 to 1 or None where it is undefined."""

    precision: float | None
    """Of what was said, the share that is true."""
    recall: float | None
    """Of what is true, the share that was said."""
    average_precision: float | None
    """Precision over all thresholds, weighted by the recall gained at each."""


@dataclass(frozen=True)
class Averages:
    """Average precisions, which no threshold changes: slow to work out, and worked out once."""

    overall: float | None
    per_tag: tuple[float | None, ...]
    """In the order of the columns."""


@dataclass(frozen=True)
class Curve:
    """Precision and recall at falling thresholds: recall rises from 0 to its highest."""

    recalls: tuple[float, ...]
    precisions: tuple[float, ...]


@dataclass(frozen=True)
class CalibrationBin:
    """Pictures of about the same highest probability."""

    low: float
    """Probabilities above this, …"""
    high: float
    """… up to this."""
    pictures: int
    """At least one."""
    confidence: float
    """Mean of their highest probabilities."""
    accuracy: float
    """Share of them whose most probable tag is right."""


def top_k_accuracy(probabilities: Floats, truth: Indices, *, k: int = 1) -> float | None:
    """Return the share of pictures whose tag is among the k most probable; between equals the first tag counts."""
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    return _share((best == truth[:, None]).any(axis=1).sum(), len(truth))


def averages(probabilities: Floats, truths: Flags) -> Averages:
    """Return the average precisions of `scores`; a second for two million probabilities."""
    columns = zip(probabilities.T, truths.T, strict=True)
    return Averages(
        overall=_average_precision(probabilities.ravel(), truths.ravel()),
        per_tag=tuple(_average_precision(column, truth) for column, truth in columns),
    )


def scores(
    probabilities: Floats, truths: Flags, *, threshold: float, known: Averages
) -> tuple[Score, tuple[Score, ...]]:
    """Return the figures over all pairs of picture and tag together (micro), as Custom Vision does, and of each tag.

    A tag is said when its probability is at least the threshold: none, one or several may be said of a picture. Takes
    milliseconds: somebody moves the threshold.
    """
    said = probabilities >= threshold
    said_counts, right_counts, true_counts = (
        np.count_nonzero(flags, axis=0) for flags in (said, said & truths, truths)
    )
    counts = zip(said_counts.tolist(), right_counts.tolist(), true_counts.tolist(), known.per_tag, strict=True)
    right = right_counts.sum()
    return (
        Score(_share(right, said_counts.sum()), _share(right, true_counts.sum()), known.overall),
        tuple(Score(_share(right, said), _share(right, true), average) for said, right, true, average in counts),
    )


def precision_recall_curve(probabilities: Floats, truths: Flags, *, most: int = 200) -> Curve | None:
    """Return the curve over all pairs of picture and tag, or of one tag if given its column, thinned to `most` points.

    None where nothing is true. It starts at recall 0 with precision 1, as scikit-learn's does.
    """
    if not truths.any():
        return None
    from sklearn.metrics import precision_recall_curve as exact_curve

    precisions, recalls, _ = exact_curve(truths.ravel(), probabilities.ravel())
    places = np.searchsorted(-recalls, -np.linspace(0, 1, most), side="right") - 1
    chosen = np.unique(places)[::-1]
    return Curve(tuple(recalls[chosen].tolist()), tuple(precisions[chosen].tolist()))


def confusion_matrix(predicted: Indices, truth: Indices, *, tags: int) -> NDArray[np.int64]:
    """Return (tags, tags): at [i, j], how many pictures of tag i were taken for tag j."""
    matrix = np.zeros((tags, tags), dtype=np.int64)
    np.add.at(matrix, (truth, predicted), 1)
    return matrix


def expected_calibration_error(probabilities: Floats, truth: Indices, *, bins: int = 15) -> float | None:
    """Return by how much confidence and accuracy differ on average, 0 (honest) to 1.

    Pictures are put in `bins` bins of equal width, closed on the right, by their highest probability; the differences
    are weighted by the pictures of each bin. Naeini, Cooper and Hauskrecht 2015; Guo et al. 2017, equation 3.
    """
    if not len(truth):
        return None
    gaps = (
        each.pictures * abs(each.accuracy - each.confidence)
        for each in calibration_bins(probabilities, truth, bins=bins)
    )
    return sum(gaps) / len(truth)


def calibration_bins(probabilities: Floats, truth: Indices, *, bins: int = 15) -> tuple[CalibrationBin, ...]:
    """Return the bins of `expected_calibration_error` that have pictures, from the least confident on."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == truth
    place = np.clip(np.ceil(confidence * bins).astype(np.intp) - 1, 0, bins - 1)
    return tuple(
        CalibrationBin(
            low=number / bins,
            high=(number + 1) / bins,
            pictures=int((place == number).sum()),
            confidence=float(confidence[place == number].mean()),
            accuracy=float(right[place == number].mean()),
        )
        for number in np.unique(place).tolist()
    )


def log_loss(probabilities: Floats, truth: Indices) -> float | None:
    """Return the mean of -log of the probability given to each picture's tag, in nats: 0 is perfect."""
    if not len(truth):
        return None
    given = probabilities[np.arange(len(truth)), truth].astype(np.float64)
    return float(-np.log(np.maximum(given, _SMALLEST)).mean())


def _average_precision(probabilities: Floats, truths: Flags) -> float | None:
    """Sum precision over the steps of recall, not interpolated: scikit-learn's `average_precision_score`."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(truths, probabilities)) if truths.any() else None


def _share(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None
