"""Microsoft's own sample scales each picture to the model's square, whatever its shape: what becomes of the answer?"""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from engine import backbones, heads, images, packages
from engine.fitting import Examples
from tests.engine.fits import fit
from tests.engine.packages import said_by_server

pytestmark = pytest.mark.slow

STARTER = backbones.MODELS / "food-101.safetensors"
FOUR = ("cannoli", "pizza", "risotto", "tiramisu")


def stretched(session: onnxruntime.InferenceSession, content: bytes) -> int:
    """Return the place of the top label, as that sample finds it."""
    given = session.get_inputs()[0]
    image = Image.open(io.BytesIO(content)).resize(tuple(given.shape[2:]))
    array = np.array(image, dtype=np.float32)[np.newaxis, :, :, :].transpose((0, 3, 1, 2)) / 255
    (probabilities,) = session.run(None, {given.name: array.astype(np.float32)})
    return int(probabilities[0].argmax())


def compared(head: heads.Head, paths: Sequence[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Return, for each photograph, whether both say the same, and how sure the server is."""
    session = onnxruntime.InferenceSession(packages.to_onnx(head, backbones.get(head.backbone)))
    contents = [content for path in paths if Image.open(io.BytesIO(content := path.read_bytes())).mode == "RGB"]
    said = np.array([list(said_by_server(content, head).values()) for content in contents])
    found = np.array([stretched(session, content) for content in contents])
    return said.argmax(axis=1) == found, said.max(axis=1)


def of_four(folder: Path, *, most: int) -> list[Path]:
    return [path for tag in FOUR for path in sorted((folder / tag).glob("*.jpg"))[:most]]


def test_nine_of_ten_photographs_get_the_same_tag_of_four(food101: Path) -> None:
    backbone = backbones.get("efficientnet-lite0-food-int8")
    paths = of_four(food101 / "images" / "Train", most=40)
    vectors = np.array([backbone.vector(images.admit(path.read_bytes(), limits=images.TRAINING)) for path in paths])
    labels = np.array([FOUR.index(path.parent.name) for path in paths])
    head = fit(Examples(vectors, labels), tags=list(FOUR), card=backbone.card)

    is_same, _sure = compared(head, of_four(food101 / "images" / "Held-out", most=15))

    assert is_same.mean() >= 0.9


def test_nine_of_ten_photographs_that_the_starter_is_sure_of_get_the_same_dish_of_101(food101: Path) -> None:
    head = heads.loads(STARTER.read_bytes())
    paths = [sorted(folder.glob("*.jpg"))[0] for folder in sorted((food101 / "starter" / "test").iterdir())]

    is_same, sure = compared(head, paths)

    assert is_same[sure >= 0.5].mean() >= 0.9
    assert is_same.mean() >= 0.8
