"""What corrections of wrong predictions teach, and what they must not touch."""

from types import ModuleType

import numpy as np
import pytest

from engine import fitting, multilabel
from engine.fitting import Examples, choose
from engine.metrics import Flags


def clouds(count: int = 120, *, hard: int = 0) -> tuple[np.ndarray, np.ndarray, Flags]:
    """Return vectors of three tags and their labels (n,), the last of which, `hard` many, lie on a wrong tag's side."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % 3
    sides = labels.copy()
    sides[count - hard :] = (labels[count - hard :] + 1) % 3
    centres = np.eye(3, 16) * 4
    vectors = (centres[sides] + random.normal(size=(count, 16))).astype(np.float32)
    return vectors, labels, np.arange(count) >= count - hard


@pytest.mark.parametrize("method", [fitting, multilabel])
def test_corrections_do_not_choose_the_temperature(method: ModuleType) -> None:
    vectors, labels, hard = clouds(hard=24)
    truths = labels if method is fitting else labels[:, None] == np.arange(3)

    believed = method.choose(Examples(vectors, truths, corrections=hard), calibration=None, seed=0)
    naive = method.choose(Examples(vectors, truths), calibration=None, seed=0)

    # Taken for a sample of what comes, what was chosen for being wrong makes the head doubt everything.
    assert believed.loss < naive.loss / 2


def test_corrections_alone_calibrate_where_there_is_nothing_else() -> None:
    vectors, labels, _hard = clouds(30)

    choice = choose(Examples(vectors, labels, corrections=np.ones(30, dtype=np.bool_)), calibration=None, seed=0)

    assert 0.05 <= choice.temperature <= 20


def test_correction_teaches_half_as_much() -> None:
    vectors, labels, hard = clouds(hard=24)
    counting = Examples(vectors, labels, corrections=hard).counting

    assert counting is not None
    assert set(counting[hard].tolist()) == {0.5}
    assert set(counting[~hard].tolist()) == {1.0}
    assert Examples(vectors, labels).counting is None
