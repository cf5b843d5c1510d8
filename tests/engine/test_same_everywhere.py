"""The same picture has the same vector on every processor; `make test-world` asks one that lacks VNNI, too."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from engine import backbones
from tests.engine.same_everywhere import NAMES, STORED, integers, vector

pytestmark = pytest.mark.parametrize("name", NAMES)


@cache
def stored() -> dict[str, NDArray[np.float32]]:
    with np.load(STORED) as arrays:
        return dict(arrays)


def test_the_last_layer_says_the_same_integers(name: str) -> None:
    np.testing.assert_array_equal(integers(backbones.get(name)), stored()[f"{name}-integers"])


def test_the_vector_is_the_same_within_a_millionth(name: str) -> None:
    np.testing.assert_allclose(vector(backbones.get(name)), stored()[f"{name}-vector"], rtol=0, atol=1e-6)
