"""The starter model on the photographs that the backbone has not seen."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from engine import backbones, heads, images, metrics
from engine.fitting import best_temperature

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("starter")]

STARTER = backbones.MODELS / "food-101.safetensors"


@pytest.fixture(scope="module")
def tested(food101: Path) -> tuple[np.ndarray, np.ndarray]:
    """Logits (n, 101) and labels (n,) of the test photographs."""
    head = heads.loads(STARTER.read_bytes())
    backbone = backbones.get(head.backbone, threads=2)
    paths = sorted((food101 / "starter" / "test").glob("*/*.jpg"))
    vectors = [backbone.vector(images.admit(path.read_bytes(), limits=images.TRAINING)) for path in paths]
    labels = [head.tags.index(path.parent.name.replace("_", " ")) for path in paths]
    return head.logits(np.stack(vectors)), np.array(labels)


def test_starter_is_small_and_knows_101_dishes() -> None:
    assert STARTER.stat().st_size < 1_000_000
    assert len(heads.loads(STARTER.read_bytes()).tags) == 101


def test_starter_finds_the_dish(tested: tuple[np.ndarray, np.ndarray]) -> None:
    logits, labels = tested

    top_1, top_5 = (metrics.top_k_accuracy(logits, labels, k=k) for k in (1, 5))

    assert top_1 is not None
    assert top_5 is not None
    assert top_1 >= 0.67
    assert top_5 >= 0.89


def test_probabilities_mean_what_they_say(tested: tuple[np.ndarray, np.ndarray]) -> None:
    """Each half is judged at the temperature that the other half chose; by one draw the error is known to ±0.005."""
    errors = [halved_error(*tested, half) for half in np.random.default_rng(0).random((20, len(tested[1]))) < 0.5]

    assert np.mean(errors) <= 0.04


def halved_error(logits: np.ndarray, labels: np.ndarray, half: np.ndarray) -> float:
    probabilities = np.empty(logits.shape)
    for judged in (half, ~half):
        temperature = best_temperature(logits[~judged], labels[~judged])
        probabilities[judged] = heads.softmax(logits[judged], temperature=temperature)
    error = metrics.expected_calibration_error(probabilities, labels)
    assert error is not None
    return error


def test_card_repeats_the_measured_figures() -> None:
    figures = json.loads(STARTER.with_suffix(".json").read_text())
    card = (Path(__file__).parents[2] / "docs" / "models" / "food-101.md").read_text()

    for name in ("top_1", "top_5", "calibration_error"):
        assert f"{figures[name]:.3f}" in card, name


def test_no_test_photograph_was_learnt_from(food101: Path) -> None:
    food = backbones.for_domain("Food")
    photographs = (food101 / "starter" / "test").glob("*/*.jpg")

    assert not any(backbones.was_seen(food, hashlib.sha256(path.read_bytes()).hexdigest()) for path in photographs)
