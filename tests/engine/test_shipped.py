"""Labelled vectors that come with a backbone: their file, and the one that Classifr ships."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine import backbones, heads, images, shipped
from engine.exceptions import ModelFileError
from engine.shipped import ShippedExamples, examples_of

FOOD = backbones.for_domain("Food")
OTHER = backbones.for_domain("General")
STARTER = backbones.MODELS / "food-101.safetensors"
NAMES = tuple(f"{number:064x}" for number in range(3))


def make_examples(**fields: object) -> ShippedExamples:
    vectors = np.random.default_rng(0).random((3, FOOD.vector_length), dtype=np.float32)
    values = {
        "backbone_sha256": FOOD.sha256,
        "labels": ("pizza", "crème brûlée"),
        "columns": np.array([1, 0, 1]),
        "held_out": np.array([False, False, True]),
        "sha256s": NAMES,
        "steps": shipped.in_steps(vectors),
    }
    return ShippedExamples(**{**values, **fields})  # type: ignore[arg-type]


def test_what_is_written_is_read() -> None:
    written = make_examples()

    read = shipped.loads(shipped.dumps(written))

    assert (read.labels, read.sha256s, read.backbone_sha256) == (written.labels, NAMES, FOOD.sha256)
    for name in ("columns", "held_out", "steps"):
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name))


def test_same_examples_give_the_same_bytes() -> None:
    assert shipped.dumps(make_examples()) == shipped.dumps(make_examples())


def test_vectors_keep_their_direction() -> None:
    vectors = np.random.default_rng(0).random((20, 64), dtype=np.float32) * np.arange(1, 21, dtype=np.float32)[:, None]

    steps = shipped.in_steps(vectors).astype(np.float32)

    assert (heads.normalised(vectors) * heads.normalised(steps)).sum(axis=1).min() > 0.9999


def test_vector_of_zeros_stays_one() -> None:
    assert not shipped.in_steps(np.zeros((1, 8), dtype=np.float32)).any()


def test_negative_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        shipped.in_steps(np.array([[1.0, -0.5]], dtype=np.float32))


def test_examples_are_counted_by_label() -> None:
    examples = make_examples()

    assert examples.counts == {"pizza": 1, "crème brûlée": 2}
    assert examples.learned_counts == {"pizza": 1, "crème brûlée": 1}


def test_vectors_are_found_by_their_photographs() -> None:
    examples = make_examples()

    assert examples.has([NAMES[2], "f" * 64, NAMES[0]]).tolist() == [True, False, True]
    np.testing.assert_array_equal(examples.vectors([NAMES[2], NAMES[0]]), examples.steps[[2, 0]])


def test_backbone_without_examples_has_none() -> None:
    nothing = examples_of(OTHER)

    assert len(nothing) == 0
    assert nothing.has(NAMES).tolist() == [False] * 3


@pytest.mark.parametrize("content", [b"", b"no such thing", STARTER.read_bytes()], ids=["empty", "text", "a head"])
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(ModelFileError, match="file of examples cannot be read"):
        shipped.loads(content)


def test_later_format_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "FORMAT_VERSION", 2)
    content = shipped.dumps(make_examples())
    monkeypatch.undo()

    with pytest.raises(ModelFileError, match="format version 2"):
        shipped.loads(content)


@pytest.mark.parametrize("fields", [{"backbone_sha256": "0" * 64}, {"steps": np.ones((3, 7), dtype=np.uint8)}])
def test_examples_of_another_backbone_are_refused(tmp_path: Path, fields: dict[str, object]) -> None:
    (tmp_path / "examples").write_bytes(shipped.dumps(make_examples(**fields)))

    with pytest.raises(ModelFileError, match="of another backbone"):
        examples_of(replace(FOOD, examples="examples"), folder=tmp_path)


def test_lost_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="examples gone of backbone"):
        examples_of(replace(FOOD, examples="gone"), folder=tmp_path)


# The file that Classifr ships


def test_shipped_file_is_small_and_has_the_starters_tags() -> None:
    examples = examples_of(FOOD)
    head = heads.loads(STARTER.read_bytes())

    assert (backbones.MODELS / str(FOOD.examples)).stat().st_size < 8_000_000
    assert examples.labels == head.tags
    assert set(examples.counts.values()) == {47, 48}
    assert set(examples.learned_counts.values()) == {39, 40}
    assert list(examples.sha256s) == sorted(set(examples.sha256s))


def test_what_measures_was_never_seen_by_the_backbone() -> None:
    examples = examples_of(FOOD)

    was_seen = [backbones.was_seen(FOOD, sha256) for sha256 in examples.sha256s]

    np.testing.assert_array_equal(was_seen, ~examples.held_out)


@pytest.mark.slow
def test_shipped_vectors_are_the_photographs(food101: Path) -> None:
    examples, backbone = examples_of(FOOD), backbones.get(FOOD.name, threads=2)
    paths = sorted((food101 / "starter").glob("*/*/*.jpg"))[::97]
    contents = [path.read_bytes() for path in paths]

    sha256s = [hashlib.sha256(content).hexdigest() for content in contents]

    vectors = np.stack([backbone.vector(images.admit(content, limits=images.TRAINING)) for content in contents])

    np.testing.assert_array_equal(shipped.in_steps(vectors), examples.vectors(sha256s))
    labels = [examples.labels[examples.columns[examples.sha256s.index(sha256)]] for sha256 in sha256s]
    assert labels == [path.parent.name.replace("_", " ") for path in paths]
