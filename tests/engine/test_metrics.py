"""Measures, against values worked out by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from engine import metrics

PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.4, 0.5, 0.1], [0.3, 0.3, 0.4], [0.1, 0.8, 0.1]])
TRUTH = np.array([0, 0, 2, 1])
TRUTHS = metrics.indicators(TRUTH, tags=3)


@pytest.mark.parametrize(("k", "share"), [(1, 0.75), (2, 1.0), (3, 1.0)])
def test_top_k_counts_the_true_tag_among_the_first(k: int, share: float) -> None:
    assert metrics.top_k_accuracy(PROBABILITIES, TRUTH, k=k) == share


def test_precision_and_recall_at_a_threshold() -> None:
    """At 0.5 three tags are said, two of them rightly, of four true ones."""
    score = metrics.overall(PROBABILITIES, TRUTHS, threshold=0.5)

    assert score.precision == pytest.approx(2 / 3)
    assert score.recall == pytest.approx(2 / 4)


def test_average_precision_is_scikit_learns() -> None:
    score = metrics.overall(PROBABILITIES, TRUTHS, threshold=0.5)

    assert score.average_precision == pytest.approx(average_precision_score(TRUTHS.ravel(), PROBABILITIES.ravel()))


def test_each_tag_has_its_own_figures() -> None:
    first, second, third = metrics.per_tag(PROBABILITIES, TRUTHS, threshold=0.5)

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
