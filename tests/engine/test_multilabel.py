"""Multilabel heads: each tag for itself."""

import numpy as np
import pytest

from engine import backbones, heads, multilabel
from engine.fitting import CannotFit, Examples
from tests.engine.fits import fit

CARD = backbones.cards()["efficientnet-lite0"]
TAGS = ["a", "b", "c"]


def examples(count: int, *, seed: int) -> Examples:
    """Vectors that add up what their tags look like; a quarter has none."""
    looks = 3 * np.random.default_rng(99).normal(size=(3, CARD.vector_length))
    random = np.random.default_rng(seed)
    truths = random.random((count, 3)) < 0.4
    vectors = truths @ looks + 2 * random.normal(size=(count, CARD.vector_length))
    return Examples(vectors.astype(np.float32), truths)


def test_each_tag_is_found_for_itself() -> None:
    head = fit(examples(200, seed=0), tags=TAGS, card=CARD, method=multilabel, calibration=examples(60, seed=1))
    fresh = examples(100, seed=2)

    probabilities = head.probabilities(fresh.vectors)

    assert ((probabilities >= 0.5) == fresh.labels).mean() > 0.9
    assert probabilities.sum(axis=1).max() > 1.2


def test_folds_choose_where_nothing_is_held_out() -> None:
    head = fit(examples(60, seed=0), tags=TAGS, card=CARD, method=multilabel)

    assert head.multilabel
    assert 0.05 <= head.temperature <= 20


def test_file_says_that_the_head_is_multilabel() -> None:
    head = fit(examples(60, seed=0), tags=TAGS, card=CARD, method=multilabel)

    again = heads.loads(heads.dumps(head))

    vectors = examples(5, seed=1).vectors
    np.testing.assert_array_equal(again.probabilities(vectors), head.probabilities(vectors))


def test_cross_validated_probabilities_are_of_every_example() -> None:
    data = examples(60, seed=0)
    choice = multilabel.choose(data, calibration=None)

    assert multilabel.cross_validated(data, choice).shape == (60, 3)


def test_tag_without_examples_is_refused_by_name() -> None:
    data = examples(20, seed=0)
    truths = data.labels.copy()
    truths[:, 1] = False

    with pytest.raises(CannotFit, match="'b'"):
        fit(Examples(data.vectors, truths), tags=TAGS, card=CARD, method=multilabel)


def test_fit_can_be_stopped() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(examples(60, seed=0), tags=TAGS, card=CARD, method=multilabel, check=stop)
