"""Chance and what is more than that."""

import pytest
from scipy.stats import binomtest

from engine.statistics import mcnemar


@pytest.mark.parametrize(("gained", "lost"), [(1, 0), (0, 6), (12, 3), (3, 12), (7, 7), (600, 500), (20_000, 19_000)])
def test_mcnemar_is_the_two_sided_binomial_test(gained: int, lost: int) -> None:
    assert mcnemar(gained, lost) == pytest.approx(binomtest(gained, gained + lost).pvalue, rel=1e-9)


def test_equals_are_equal_where_nothing_differs() -> None:
    assert mcnemar(0, 0) == 1
