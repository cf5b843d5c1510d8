"""Backbones give the vectors that they were made to give, alone or in batches, in every process."""

import dataclasses
import hashlib
import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from engine import backbones, images
from engine.exceptions import ModelFileError, RefusedPicture
from tests import factories
from tests.hostile import CASES

NAMES = sorted(backbones.cards())
DATA = Path(__file__).parent / "data"


@pytest.fixture(params=NAMES)
def backbone(request: pytest.FixtureRequest) -> backbones.Backbone:
    return backbones.get(request.param)


def batch(backbone: backbones.Backbone, size: int = 3) -> np.ndarray:
    photos = [factories.make_photo(seed=seed) for seed in range(size)]
    side = backbone.card.resize
    return np.stack([backbone.prepare(images.decode(factories.admit(each), shorter_side=side)) for each in photos])


def test_backbones_that_are_shipped() -> None:
    assert {card.name: (card.domains, card.resize, card.crop) for card in backbones.cards().values()} == {
        "efficientnet-lite0": ((), 256, 224),
        "efficientnet-lite0-food": ((), 224, 224),
        "efficientnet-lite0-int8": (("General",), 256, 224),
        "efficientnet-lite0-food-int8": (("Food",), 224, 224),
        "efficientnet-lite2-int8": (("General [A1]",), 260, 260),
    }


def test_no_two_backbones_are_for_the_same_domain() -> None:
    domains = [domain for card in backbones.cards().values() for domain in card.domains]

    assert len(set(domains)) == len(domains)


def test_prepared_picture_is_scaled_as_the_card_says(backbone: backbones.Backbone) -> None:
    prepared = batch(backbone, 1)[0]

    card = backbone.card
    assert prepared.shape == (3, card.crop, card.crop)
    assert prepared.dtype == np.float32
    assert card.offset <= prepared.min() < prepared.max() <= 255 * card.scale + card.offset


def test_batching_changes_nothing(backbone: backbones.Backbone) -> None:
    prepared = batch(backbone)

    alone = np.concatenate([backbone.embed(each[None]) for each in prepared])

    np.testing.assert_allclose(backbone.embed(prepared), alone, atol=1e-4)
    assert alone.shape == (3, backbone.card.vector_length)


def test_general_backbone_agrees_with_torch() -> None:
    """The vector was computed by PyTorch on this picture when the file was made."""
    steps = np.linspace(-1, 1, 224, dtype=np.float32)
    red, green = np.broadcast_to(steps[:, None], (224, 224)), np.broadcast_to(steps[None, :], (224, 224))
    picture = np.stack([red, green, np.sin(6 * red * green, dtype=np.float32)])
    stored = np.load(DATA / "efficientnet-lite0.npy")

    (found,) = backbones.get("efficientnet-lite0").embed(picture[None])

    np.testing.assert_allclose(found, stored, atol=1e-4)


def test_refused_picture_has_no_vector(backbone: backbones.Backbone) -> None:
    damaged = images.admit(CASES["PNG with a wrong check sum"].make(), limits=images.PREDICTION)

    with pytest.raises(RefusedPicture):
        backbone.vector(damaged)


def _embed_in_child(name: str) -> int:
    backbone = backbones.get(name)
    return int(backbone.embed(batch(backbone, 1)).shape[1])


def test_process_forked_after_use_has_a_session_of_its_own() -> None:
    backbone = backbones.get(NAMES[1])
    backbone.embed(batch(backbone, 1))

    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(_embed_in_child, [NAMES[1]]).get(timeout=60) == 1280


def test_altered_file_is_refused(tmp_path: Path) -> None:
    card = backbones.cards()[NAMES[0]]
    (tmp_path / card.file).write_bytes((backbones.MODELS / card.file).read_bytes() + b"\0")

    with pytest.raises(ModelFileError, match="sha256"):
        backbones.Backbone(card, folder=tmp_path).embed(np.zeros((1, 3, 224, 224), np.float32))


def test_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    content = b"no network"
    (tmp_path / "it.onnx").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    card = dataclasses.replace(backbones.cards()[NAMES[0]], file="it.onnx", sha256=sha256)

    with pytest.raises(ModelFileError, match="cannot load"):
        backbones.Backbone(card, folder=tmp_path).embed(np.zeros((1, 3, 224, 224), np.float32))


def test_missing_file_is_refused(tmp_path: Path) -> None:
    card = dataclasses.replace(backbones.cards()[NAMES[0]], file="nothing.onnx")

    with pytest.raises(ModelFileError, match=r"nothing\.onnx"):
        backbones.Backbone(card, folder=tmp_path).embed(np.zeros((1, 3, 224, 224), np.float32))


def test_unknown_name_is_refused() -> None:
    with pytest.raises(ModelFileError, match="nothing"):
        backbones.get("nothing")


def test_photographs_that_the_backbone_learnt_from_are_known(food101: Path) -> None:
    food = backbones.for_domain("Food")
    trained = [next((food101 / "starter" / "train" / name).glob("*.jpg")) for name in ("pizza", "risotto")]
    tested = [next((food101 / "starter" / "test" / name).glob("*.jpg")) for name in ("pizza", "risotto")]

    seen = [backbones.was_seen(food, hashlib.sha256(path.read_bytes()).hexdigest()) for path in trained + tested]

    assert seen == [True, True, False, False]
