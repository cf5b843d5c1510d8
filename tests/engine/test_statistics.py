"""Chance and what is more than that."""

import numpy as np
import pytest
from scipy.stats import binomtest

from engine.statistics import holm, mcnemar, paired_gain, wilson


@pytest.mark.parametrize(("gained", "lost"), [(1, 0), (0, 6), (12, 3), (3, 12), (7, 7), (600, 500), (20_000, 19_000)])
def test_mcnemar_is_the_two_sided_binomial_test(gained: int, lost: int) -> None:
    assert mcnemar(gained, lost) == pytest.approx(binomtest(gained, gained + lost).pvalue, rel=1e-9)


def test_equals_are_equal_where_nothing_differs() -> None:
    assert mcnemar(0, 0) == 1


@pytest.mark.parametrize(("right", "cases"), [(0, 1), (1, 1), (0, 40), (40, 40), (7, 9), (150, 200), (9_999, 10_000)])
def test_wilsons_interval_is_that_of_scipy(right: int, cases: int) -> None:
    known = binomtest(right, cases).proportion_ci(method="wilson")

    assert wilson(right, cases) == pytest.approx((known.low, known.high), abs=1e-12)


@pytest.mark.parametrize(("more", "less", "cases"), [(0.08, 0.05, 120), (0.05, 0.05, 300), (0.02, 0.0, 60)])
def test_interval_of_a_paired_gain_holds_the_truth_as_often_as_it_says(more: float, less: float, cases: int) -> None:
    draws = np.random.default_rng(0).multinomial(cases, [more, less, 1 - more - less], size=4_000)

    gains = [paired_gain(int(gained), int(lost), cases) for gained, lost, _ in draws]

    assert np.mean([gain.low <= more - less <= gain.high for gain in gains]) >= 0.945
    assert all(-1 <= gain.low <= gain.value <= gain.high <= 1 for gain in gains)


def test_paired_gain_of_nothing_is_nothing() -> None:
    gain = paired_gain(0, 0, 1_000)

    assert gain.value == 0
    assert gain.low == pytest.approx(-gain.high)


def test_several_p_values_are_adjusted_together() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.5]) == [1.0, 1.0]
    assert holm([]) == []
