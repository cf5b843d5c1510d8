"""How little a head knows, from 0 to 1."""

import numpy as np
import pytest

from engine.uncertainty import uncertainty


@pytest.mark.parametrize(
    ("row", "expected"),
    [([0.25] * 4, 1), ([1, 0, 0, 0], 0), ([0.5, 0.5, 0, 0], 0.5), ([1.0], 0)],
)
def test_tags_that_exclude_each_other_share_one_entropy(row: list[float], expected: float) -> None:
    assert uncertainty(np.array([row]), multilabel=False)[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("row", "expected"),
    [([0.5, 0.5], 1), ([1, 1], 0), ([0, 0], 0), ([0.5, 1], 0.5), ([0.5], 1), ([0.11, 0.89], 0.4999)],
)
def test_tags_that_stand_alone_have_each_an_entropy_of_their_own(row: list[float], expected: float) -> None:
    assert uncertainty(np.array([row]), multilabel=True)[0] == pytest.approx(expected, abs=1e-3)


def test_rounding_of_probabilities_leaves_the_range_alone() -> None:
    rows = np.array([[1.0000001, -1e-9], [0.5, 0.5000001]], dtype=np.float32)

    for multilabel in (False, True):
        values = uncertainty(rows, multilabel=multilabel)
        assert ((values >= 0) & (values <= 1)).all()
