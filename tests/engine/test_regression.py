"""Our regressions against scikit-learn's."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from engine import regression
from engine.heads import Floats, normalised


def clouds(count: int, *, tags: int, seed: int = 0) -> tuple[Floats, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.arange(count) % tags
    centres = random.normal(size=(tags, 32))
    return normalised((centres[labels] + random.normal(size=(count, 32))).astype(np.float32)), labels


@pytest.mark.parametrize("tags", [2, 3, 7])
def test_multinomial_finds_what_scikit_learn_finds(tags: int) -> None:
    unit, labels = clouds(210, tags=tags)
    reference = LogisticRegression(C=3.0, class_weight="balanced", tol=1e-6, max_iter=5_000).fit(unit, labels)

    weights, bias = regression.multinomial(unit, labels, strength=3.0)
    logits = unit @ weights + bias
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))

    expected = reference.predict_proba(unit)
    if tags > 2:  # with two, scikit-learn's penalty is on the difference of ours
        np.testing.assert_allclose(powers / powers.sum(axis=1, keepdims=True), expected, atol=0.05)
    assert (logits.argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.98


def test_one_vs_rest_finds_what_scikit_learn_finds() -> None:
    unit, labels = clouds(150, tags=3)
    truths = labels[:, None] == np.arange(3)
    weights, bias = regression.one_vs_rest(unit, truths, strength=3.0)

    for tag in range(3):
        reference = LogisticRegression(C=3.0, tol=1e-6, max_iter=5_000).fit(unit, truths[:, tag])
        found = 1 / (1 + np.exp(-(unit @ weights[:, tag] + bias[tag])))
        np.testing.assert_allclose(found, reference.predict_proba(unit)[:, 1], atol=0.05)


@pytest.mark.parametrize("kind", ["multinomial", "one_vs_rest"])
def test_what_counts_half_is_half_an_example(kind: str) -> None:
    unit, labels = clouds(90, tags=3)
    halved = np.arange(90) < 30
    twice = np.concatenate([np.flatnonzero(halved), *[np.flatnonzero(~halved)] * 2])
    fit = getattr(regression, kind)
    truths = labels if kind == "multinomial" else labels[:, None] == np.arange(3)

    half, _ = fit(unit, truths, strength=2.0, counting=np.where(halved, 0.5, 1).astype(np.float32))
    whole, _ = fit(unit[twice], truths[twice], strength=1.0)

    np.testing.assert_allclose(half, whole, atol=0.02)


def test_start_near_the_end_saves_steps() -> None:
    unit, labels = clouds(90, tags=3)
    cold: list[int] = []
    warm: list[int] = []

    end = regression.multinomial(unit, labels, strength=1.0, check=lambda: cold.append(1))
    regression.multinomial(unit, labels, strength=1.2, start=end, check=lambda: warm.append(1))

    assert len(warm) < len(cold)


def test_regression_stops_when_told() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    unit, labels = clouds(90, tags=3)

    with pytest.raises(KeyboardInterrupt):
        regression.multinomial(unit, labels, strength=1.0, check=stop)
