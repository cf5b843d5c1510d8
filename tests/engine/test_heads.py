"""Heads: fitted on vectors, honest, and the same file every time."""

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save

from engine import backbones, fitting, heads, metrics
from engine.exceptions import ModelFileError
from engine.fitting import CannotFit, Examples
from tests.engine.fits import fit

CARD = backbones.cards()["efficientnet-lite0"]


def examples(count: int, *, tags: int = 3, noise: float = 1.0, seed: int = 0) -> Examples:
    """Clouds of vectors around one centre a tag."""
    centres = np.random.default_rng(99).normal(size=(tags, CARD.vector_length))
    random = np.random.default_rng(seed)
    labels = np.arange(count) % tags
    vectors = centres[labels] + noise * random.normal(size=(count, CARD.vector_length)) * 3
    return Examples(vectors.astype(np.float32), labels)


def mislabelled(data: Examples, *, seed: int) -> Examples:
    wrong = np.random.default_rng(seed).random(len(data.labels)) < 1 / 3
    return Examples(data.vectors, np.where(wrong, (data.labels + 1) % 3, data.labels))


def fitted(data: Examples, *, tags: int = 3) -> heads.Head:
    return fit(data, tags=[f"tag {i}" for i in range(tags)], card=CARD)


@pytest.mark.parametrize("tags", [2, 3, 5])
def test_probabilities_sum_to_one_and_find_the_tag(tags: int) -> None:
    head = fitted(examples(20 * tags, tags=tags), tags=tags)
    fresh = examples(10 * tags, tags=tags, seed=1)

    probabilities = head.probabilities(fresh.vectors)

    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-4)
    assert (probabilities.argmax(axis=1) == fresh.labels).mean() > 0.9


def test_length_of_a_vector_changes_nothing() -> None:
    head = fitted(examples(30))
    vectors = examples(5).vectors

    np.testing.assert_allclose(head.probabilities(vectors), head.probabilities(7 * vectors), atol=1e-5)


def test_same_examples_give_the_same_file() -> None:
    assert heads.dumps(fitted(examples(30))) == heads.dumps(fitted(examples(30)))


def test_rare_tag_is_not_drowned() -> None:
    many = examples(200, tags=2, noise=0.3)
    rare = (many.labels == 0) | (np.arange(200) < 12)
    head = fit(many.only(np.flatnonzero(rare)), tags=["many", "rare"], card=CARD)

    fresh = examples(60, tags=2, noise=0.3, seed=1)

    assert (head.probabilities(fresh.vectors).argmax(axis=1) == fresh.labels).mean() > 0.8


def test_calibration_tames_an_overconfident_head() -> None:
    """A third of the labels are wrong, as in photographs that people have tagged: nobody can be surer than that."""
    train, unseen, fresh = (mislabelled(examples(300, seed=seed), seed=seed) for seed in (0, 1, 2))
    head = fitting.recalibrated(fit(train, tags=["a", "b", "c"], card=CARD, calibration=unseen), unseen)

    tame = head.probabilities(fresh.vectors)
    wild = replace(head, temperature=head.temperature / 10).probabilities(fresh.vectors)

    tame_error = metrics.expected_calibration_error(tame, fresh.labels)
    wild_error = metrics.expected_calibration_error(wild, fresh.labels)
    assert tame_error is not None
    assert wild_error is not None
    assert tame_error < wild_error


@pytest.mark.parametrize(("tags", "labels"), [(1, [0, 0]), (2, [0, 0, 0]), (3, [0, 1, 0, 1, 0, 1])])
def test_too_few_examples_are_refused(tags: int, labels: list[int]) -> None:
    vectors = np.ones((len(labels), CARD.vector_length), np.float32)

    with pytest.raises(CannotFit):
        fit(Examples(vectors, np.array(labels)), tags=[str(i) for i in range(tags)], card=CARD)


def test_file_is_read_as_it_was_written() -> None:
    head = fitted(examples(30))

    again = heads.loads(heads.dumps(head))

    assert (again.tags, again.backbone, again.temperature) == (head.tags, head.backbone, head.temperature)
    np.testing.assert_array_equal(again.weights, head.weights)


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x80\x04pickle", b"\xff" * 100])
def test_what_is_no_head_is_refused(content: bytes) -> None:
    with pytest.raises(ModelFileError):
        heads.loads(content)


@pytest.mark.parametrize(
    "change",
    [{"format_version": 99}, {"tags": ["a"]}, {"tags": ["a", "a", "b"]}, {"temperature": 0}, {"temperature": None}],
)
def test_inconsistent_head_is_refused(change: dict[str, object]) -> None:
    about = {"format_version": 1, "backbone": "b", "backbone_sha256": "c", "tags": ["a", "b", "c"], "temperature": 1.0}
    arrays = {"weights": np.zeros((4, 3), np.float32), "bias": np.zeros(3, np.float32)}

    with pytest.raises(ModelFileError):
        heads.loads(save(arrays, {"head": json.dumps(about | change)}))


def test_head_of_another_backbone_is_refused() -> None:
    with pytest.raises(ModelFileError, match="efficientnet-lite0-food"):
        heads.check_backbone(fitted(examples(30)), backbones.cards()["efficientnet-lite0-food"])
