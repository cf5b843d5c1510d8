"""Measures, against values worked out by hand and against scikit-learn."""

from dataclasses import astuple

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_score, recall_score

from engine import metrics

PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.4, 0.5, 0.1], [0.3, 0.3, 0.4], [0.1, 0.8, 0.1]])
TRUTH = np.array([0, 0, 2, 1])
TRUTHS = np.eye(3, dtype=np.bool_)[TRUTH]
AVERAGES = metrics.averages(PROBABILITIES, TRUTHS)


@pytest.mark.parametrize(("k", "share"), [(1, 0.75), (2, 1.0), (3, 1.0)])
def test_top_k_counts_the_true_tag_among_the_first(k: int, share: float) -> None:
    assert metrics.top_k_accuracy(PROBABILITIES, TRUTH, k=k) == share


def test_precision_and_recall_at_a_threshold() -> None:
    """At 0.5 three tags are said, two of them rightly, of four true ones."""
    score, _ = metrics.scores(PROBABILITIES, TRUTHS, threshold=0.5, known=AVERAGES)

    assert score.precision == pytest.approx(2 / 3)
    assert score.recall == pytest.approx(2 / 4)


def test_average_precision_is_scikit_learns() -> None:
    score, _ = metrics.scores(PROBABILITIES, TRUTHS, threshold=0.5, known=AVERAGES)

    assert score.average_precision == pytest.approx(average_precision_score(TRUTHS.ravel(), PROBABILITIES.ravel()))


def test_each_tag_has_its_own_figures() -> None:
    _, (first, second, third) = metrics.scores(PROBABILITIES, TRUTHS, threshold=0.5, known=AVERAGES)

    assert (first.precision, first.recall) == (1.0, 0.5)
    assert (second.precision, second.recall) == (0.5, 1.0)
    assert (third.precision, third.recall) == (None, 0.0)


def test_confusion_has_the_truth_in_its_rows() -> None:
    matrix = metrics.confusion_matrix(PROBABILITIES.argmax(axis=1), TRUTH, tags=3)

    assert matrix.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]


def test_calibration_error_by_hand() -> None:
    """Ten answers at 0.8 of which six are right: the gap is 0.2."""
    probabilities = np.tile([0.8, 0.2], (10, 1))
    truth = np.array([0] * 6 + [1] * 4)

    assert metrics.expected_calibration_error(probabilities, truth) == pytest.approx(0.2)


def test_log_loss_by_hand() -> None:
    wanted = -np.log([0.7, 0.4, 0.4, 0.8]).mean()

    assert metrics.log_loss(PROBABILITIES, TRUTH) == pytest.approx(wanted)


def test_certain_and_wrong_is_finite() -> None:
    loss = metrics.log_loss(np.array([[1.0, 0.0]]), np.array([1]))

    assert loss is not None
    assert 30 < loss < 40


@pytest.mark.parametrize("threshold", [0.0, 0.25, 0.3, 0.5, 0.85, 1.0])
def test_scores_at_a_moving_threshold_are_those_of_scikit_learn(threshold: float) -> None:
    random = np.random.default_rng(1)
    probabilities = random.dirichlet(np.ones(5), 200).astype(np.float32)
    truths = np.eye(5, dtype=np.bool_)[random.integers(0, 4, 200)]

    known = metrics.averages(probabilities, truths)
    overall, per_tag = metrics.scores(probabilities, truths, threshold=threshold, known=known)

    columns = zip(probabilities.T, truths.T, strict=True)
    assert astuple(overall) == by_scikit_learn(probabilities.ravel(), truths.ravel(), threshold=threshold)
    assert [astuple(score) for score in per_tag] == [
        by_scikit_learn(*column, threshold=threshold) for column in columns
    ]


def by_scikit_learn(probabilities: metrics.Floats, truths: metrics.Flags, *, threshold: float) -> tuple[object, ...]:
    said = probabilities >= threshold
    return (
        pytest.approx(precision_score(truths, said)) if said.any() else None,
        pytest.approx(recall_score(truths, said)) if truths.any() else None,
        pytest.approx(average_precision_score(truths, probabilities)) if truths.any() else None,
    )


def test_curve_by_hand() -> None:
    """In falling order the answers are right, wrong, right."""
    curve = metrics.precision_recall_curve(np.array([0.9, 0.8, 0.7]), np.array([True, False, True]))

    assert curve is not None
    assert curve.recalls == (0.0, 0.5, 1.0)
    assert curve.precisions == pytest.approx((1.0, 1.0, 2 / 3))


def test_curve_is_thinned_and_keeps_its_ends() -> None:
    random = np.random.default_rng(2)

    curve = metrics.precision_recall_curve(random.random(5000), random.random(5000) < 0.3, most=50)

    assert curve is not None
    assert len(curve.recalls) <= 50
    assert (curve.recalls[0], curve.recalls[-1]) == (0.0, 1.0)
    assert list(curve.recalls) == sorted(curve.recalls)


def test_tag_that_no_picture_has_has_no_curve() -> None:
    assert metrics.precision_recall_curve(np.array([0.5]), np.array([False])) is None


def test_calibration_bins_by_hand() -> None:
    probabilities = np.array([[0.95, 0.05], [0.97, 0.03], [0.4, 0.6]])

    low, high = metrics.calibration_bins(probabilities, np.array([0, 1, 1]), bins=10)

    assert (low.low, low.high, low.pictures, low.accuracy) == (0.5, 0.6, 1, 1.0)
    assert (high.pictures, high.accuracy) == (2, 0.5)
    assert high.confidence == pytest.approx(0.96)
