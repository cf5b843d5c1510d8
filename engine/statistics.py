"""Whether a difference is more than chance."""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

NORMAL_95 = 1.959963984540054
"""Of a normal variable, between plus and minus so many deviations lie 95 %."""


class Gain(NamedTuple):
    """A difference of two shares of the same cases, and its 95 % interval; each from -1 to 1."""

    value: float
    low: float
    high: float


class Interval(NamedTuple):
    """Between which shares the true one lies in 95 % of cases; each from 0 to 1."""

    low: float
    high: float


def wilson(right: int, cases: int) -> Interval:
    """Return the 95 % interval of a share of independent cases, at least one: Wilson's score interval.

    It holds for few cases, and for shares near 0 and 1, where the plain one does not.
    """
    share, spread = right / cases, NORMAL_95**2 / cases
    middle = share + spread / 2
    half = sqrt(spread * (share * (1 - share) + spread / 4))
    return Interval(max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread)))


def mcnemar(gained: int, lost: int) -> float:
    """Return how probable so uneven gains and losses are between equals, 0 to 1: McNemar 1947, the exact binomial form.

    gained, lost: cases that only the one, and only the other, has right.
    """
    from scipy.special import bdtr

    return min(1.0, 2 * float(bdtr(min(gained, lost), gained + lost, 0.5)))


def paired_gain(gained: int, lost: int, cases: int) -> Gain:
    """Return what the one has right more often than the other, of the same cases.

    The interval is the adjusted Wald interval of Bonett and Price 2012 (J. Educ. Behav. Stat. 37:479): as if one case
    more were gained, and one lost.
    """
    more, less = (gained + 1) / (cases + 2), (lost + 1) / (cases + 2)
    half = NORMAL_95 * sqrt((more + less - (more - less) ** 2) / (cases + 2))
    return Gain((gained - lost) / cases, max(more - less - half, -1.0), min(more - less + half, 1.0))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values, in their order, adjusted for being several: Holm 1979, which needs no independence."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, highest = [0.0] * len(p_values), 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = highest
    return adjusted
