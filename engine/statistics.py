"""Whether a difference is more than chance."""


def mcnemar(gained: int, lost: int) -> float:
    """Return how probable so uneven gains and losses are between equals, 0 to 1: McNemar 1947, the exact binomial form.

    gained, lost: cases that only the one, and only the other, has right.
    """
    from scipy.special import bdtr

    return min(1.0, 2 * float(bdtr(min(gained, lost), gained + lost, 0.5)))
