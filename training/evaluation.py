"""An iteration's figures, from what it said of its held-out pictures."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from numpy.typing import NDArray

from engine import metrics
from engine.metrics import CalibrationBin, Curve, Score
from training.backends import get_trainer
from training.exceptions import NotTrained
from training.figures import Performance, TagPerformance
from training.models import Iteration
from training.snapshots import Snapshot

THRESHOLD = 0.5
WHY_OPTIMISTIC = gettext_noop(
    "These figures flatter: the backbone was fine-tuned on part of the pictures, and too few others could be held out."
)


SHOWN_PROBABILITIES = 3
_CACHED = 8
"""Snapshots whose slow figures are cached: those that `snapshots.read` caches, and a few more."""


@dataclass(frozen=True)
class Confusion:
    """Held-out pictures of one tag that were taken for another."""

    truth: str
    said: str
    count: int


@dataclass(frozen=True)
class Judged:
    """A measured picture and what was said of it."""

    sha256: str
    truths: tuple[str, ...]
    """Its tags."""
    said: str
    """The tag that this is about: the most probable one or, in a Multilabel project, the one decided wrongly."""
    probability: float
    """Of that tag."""
    is_right: bool
    """Whether the picture has that tag."""
    most_probable: tuple[tuple[str, float], ...]
    """The first few tags with their probabilities."""


@dataclass(frozen=True)
class AtThreshold:
    """A point of the precision-recall curve."""

    threshold: float
    score: Score


def performance(snapshot: Snapshot, *, threshold: float) -> Performance:
    """Return precision, recall and average precision at the threshold, over all and for each tag."""
    truths = snapshot.measured_truths
    known = _averages(snapshot)
    overall, scores = metrics.scores(snapshot.probabilities, truths, threshold=threshold, known=known)
    counts = truths.sum(axis=0)
    return Performance(
        threshold=threshold,
        overall=overall,
        per_tag=tuple(
            TagPerformance(tag, score, int(count))
            for tag, score, count in zip(snapshot.tags, scores, counts, strict=True)
        ),
    )


def performance_of(iteration: Iteration, *, threshold: float) -> Performance | None:
    """Return an iteration's figures: computed where that is possible, else the stored ones, None without any.

    Stored figures are at the threshold that they name. Raises NotTrained, and what the trainer raises.
    """
    trainer = get_trainer(iteration.project.backend)
    check_is_trained(iteration)
    if iteration.snapshot_key or trainer.capabilities.measures_itself:
        return trainer.performance(iteration, threshold=threshold)
    return stored_performance(iteration.metrics)


def check_is_trained(iteration: Iteration) -> None:
    """Raise NotTrained for an iteration that has no figures yet."""
    if iteration.status != Iteration.Status.COMPLETED:
        raise NotTrained(_("%(name)s is not completed: it has no figures.") % {"name": iteration.name})


def figures(snapshot: Snapshot) -> dict[str, Any]:
    """Return what is stored with the iteration: every figure at a threshold of 0.5, each 0 to 1 or None."""
    measured = performance(snapshot, threshold=THRESHOLD)
    return {
        "threshold": THRESHOLD,
        **asdict(measured.overall),
        **_of_single_tags(snapshot),
        "trained_on": int(snapshot.learned.sum()),
        "measured": int(snapshot.measured.sum()),
        "is_cross_validated": snapshot.is_cross_validated,
        "per_tag": {each.tag: {**asdict(each.score), "measured": each.pictures} for each in measured.per_tag},
    }


def _of_single_tags(snapshot: Snapshot) -> dict[str, float | None]:
    """Return the figures that need each picture to have one tag."""
    if snapshot.multilabel:
        return {}
    truth = _truth(snapshot)
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
    truth = _truth(snapshot)
    return metrics.confusion_matrix(snapshot.probabilities.argmax(axis=1), truth, tags=len(snapshot.tags))


def stored_performance(stored: dict[str, Any]) -> Performance | None:
    """Read the figures that `figures` stored with an iteration; None where there are none."""
    if "per_tag" not in stored:
        return None
    per_tag = stored["per_tag"].items()
    return Performance(
        threshold=stored.get("threshold", THRESHOLD),
        overall=_score_of(stored),
        per_tag=tuple(TagPerformance(tag, _score_of(figures), figures.get("measured")) for tag, figures in per_tag),
    )


def weakest_first(performance: Performance) -> list[TagPerformance]:
    """Return the tags by rising average precision; those of which it is not known last."""
    unknown = 2.0
    averages = [(each.score.average_precision, each) for each in performance.per_tag]
    return [each for _, each in sorted(averages, key=lambda pair: unknown if pair[0] is None else pair[0])]


@lru_cache(maxsize=4 * _CACHED)
def curve(snapshot: Snapshot, tag: str = "") -> Curve | None:
    """Return the precision-recall curve over all tags or of one; None where no measured picture has it."""
    return metrics.precision_recall_curve(*_columns(snapshot, tag))


@lru_cache(maxsize=4 * _CACHED)
def along_the_curve(snapshot: Snapshot, tag: str = "") -> tuple[AtThreshold, ...]:
    """Return precision and recall at every tenth, over all tags or of one."""
    tenths = [step / 10 for step in range(11)]
    return tuple(AtThreshold(each, score_of(performance(snapshot, threshold=each), tag)) for each in tenths)


def score_of(performance: Performance, tag: str = "") -> Score:
    """Return the figures over all tags or of one."""
    return next((each.score for each in performance.per_tag if each.tag == tag), performance.overall)


@lru_cache(maxsize=_CACHED)
def calibration(snapshot: Snapshot) -> tuple[CalibrationBin, ...]:
    """Return how often what was said with which confidence is right; nothing in a Multilabel project."""
    return () if snapshot.multilabel else metrics.calibration_bins(snapshot.probabilities, _truth(snapshot))


def worst(snapshot: Snapshot, *, most: int = 12) -> list[Judged]:
    """Return the measured pictures on which it is most sure and wrong, the worst first.

    In a Multilabel project: the tags that are said wrongly or missed at a threshold of 0.5, the furthest from it first.
    """
    if snapshot.multilabel:
        return _decisions(snapshot, (snapshot.probabilities >= THRESHOLD) != snapshot.measured_truths, most=most)
    said = snapshot.probabilities.argmax(axis=1)
    wrong = np.flatnonzero(said != _truth(snapshot))
    order = wrong[np.argsort(-snapshot.probabilities[wrong, said[wrong]], kind="stable")][:most]
    return [_judged(snapshot, int(row), int(said[row])) for row in order]


def cell(snapshot: Snapshot, *, truth: str, said: str) -> list[Judged]:
    """Return the pictures of one tag that were taken for another or, on the diagonal, for what they are.

    The most probable first. Raises ValueError for a tag that the snapshot does not have.
    """
    row, column = snapshot.tags.index(truth), snapshot.tags.index(said)
    places = np.flatnonzero((_truth(snapshot) == row) & (snapshot.probabilities.argmax(axis=1) == column))
    order = places[np.argsort(-snapshot.probabilities[places, column], kind="stable")]
    return [_judged(snapshot, int(each), column) for each in order]


def changing_sides(snapshot: Snapshot, *, low: float, high: float, most: int = 12) -> tuple[int, list[Judged]]:
    """Return how many tags are said at `low` and no longer at `high`, and the first of them."""
    if low == high:
        return 0, []
    changing = (snapshot.probabilities >= low) & (snapshot.probabilities < high)
    return int(np.count_nonzero(changing)), _decisions(snapshot, changing, most=most)


def judged(snapshot: Snapshot, sha256s: Sequence[str]) -> list[Judged]:
    """Return what it said of these pictures, in their order; of those that it was not measured on, nothing."""
    rows = {sha256: row for row, sha256 in enumerate(snapshot.measured_sha256s)}
    known = [rows[sha256] for sha256 in sha256s if sha256 in rows]
    return [_judged(snapshot, row, int(snapshot.probabilities[row].argmax())) for row in known]


def _decisions(snapshot: Snapshot, chosen: metrics.Flags, *, most: int) -> list[Judged]:
    """Return the chosen pairs of picture and tag, those whose probability is furthest from the truth first."""
    distance = np.where(chosen, np.abs(snapshot.probabilities - snapshot.measured_truths), -1).ravel()
    count = min(most, int(np.count_nonzero(chosen)))
    # To sort millions for a dozen is what would make the slider slow.
    first = np.argpartition(-distance, count)[:count] if count < len(distance) else np.arange(count)
    places = first[np.argsort(-distance[first], kind="stable")]
    return [_judged(snapshot, *divmod(int(place), len(snapshot.tags))) for place in places]


def _judged(snapshot: Snapshot, row: int, column: int) -> Judged:
    given = snapshot.probabilities[row]
    first = np.argsort(-given, kind="stable")[:SHOWN_PROBABILITIES]
    truths = snapshot.measured_truths[row]
    return Judged(
        sha256=snapshot.measured_sha256s[row],
        truths=tuple(snapshot.tags[place] for place in np.flatnonzero(truths)),
        said=snapshot.tags[column],
        probability=float(given[column]),
        is_right=bool(truths[column]),
        most_probable=tuple((snapshot.tags[place], float(given[place])) for place in first),
    )


@lru_cache(maxsize=_CACHED)
def _averages(snapshot: Snapshot) -> metrics.Averages:
    """Return the figures that no threshold changes; snapshots, each read once, are cached by identity."""
    return metrics.averages(snapshot.probabilities, snapshot.measured_truths)


def _columns(snapshot: Snapshot, tag: str) -> tuple[metrics.Floats, metrics.Flags]:
    """Return the probabilities and truths of all tags or of one. Raises ValueError for an unknown one."""
    if not tag:
        return snapshot.probabilities, snapshot.measured_truths
    column = snapshot.tags.index(tag)
    return snapshot.probabilities[:, column], snapshot.measured_truths[:, column]


def _truth(snapshot: Snapshot) -> metrics.Indices:
    """Return (measured pictures,), the index of each one's tag."""
    truth: metrics.Indices = snapshot.measured_truths.argmax(axis=1).astype(np.intp)
    return truth


def _score_of(figures: dict[str, Any]) -> Score:
    return Score(figures.get("precision"), figures.get("recall"), figures.get("average_precision"))
