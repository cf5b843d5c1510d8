"""Exported packages answer as Classifr does, or are refused."""

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from engine import backbones, heads, images, packages
from engine.exceptions import ModelFileError
from engine.packages import NotTheSame
from tests import factories

BACKBONE = backbones.get("efficientnet-lite0-food")


def build(head: heads.Head) -> bytes:
    pictures = packages.golden({"a.jpg": factories.make_photo(seed=1)}, head=head, backbone=BACKBONE)
    return packages.build(head=head, backbone=BACKBONE, pictures=pictures, about={"project": "Test"})


@pytest.fixture
def head() -> heads.Head:
    return heads.loads(factories.make_head("cannoli", "risotto", "pizza"))


@pytest.mark.parametrize("multilabel", [False, True])
def test_package_gives_the_same_probabilities(head: heads.Head, *, multilabel: bool) -> None:
    packages.check(build(replace(head, multilabel=multilabel)))


def test_package_is_used_as_its_manifest_says(head: heads.Head) -> None:
    content = factories.make_photo(seed=2, size=(400, 300))
    with zipfile.ZipFile(io.BytesIO(build(head))) as package:
        session = onnxruntime.InferenceSession(package.read("model.onnx"))
        labels = package.read("labels.txt").decode().splitlines()
    picture = Image.open(io.BytesIO(content)).convert("RGB").resize((299, 224), Image.Resampling.BICUBIC)
    square = picture.crop((37, 0, 261, 224))
    pixels = np.asarray(square, dtype=np.float32).transpose(2, 0, 1)[None] / 255

    found = session.run(None, {session.get_inputs()[0].name: pixels})[0][0]

    ours = head.probabilities(BACKBONE.vector(content, limits=images.TRAINING)[None])[0]
    assert labels == list(head.tags)
    np.testing.assert_allclose(found, ours, atol=0.05)


def test_same_iteration_gives_the_same_package(head: heads.Head) -> None:
    assert build(head) == build(head)


def test_package_holds_what_custom_vision_packages_hold(head: heads.Head) -> None:
    with zipfile.ZipFile(io.BytesIO(build(head))) as package:
        assert {"model.onnx", "labels.txt", "cvexport.manifest", "manifest.json"} <= set(package.namelist())


def altered(package: bytes, **expected: float) -> bytes:
    """Return the package with other expectations of its golden picture."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(written, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "manifest.json":
                manifest = json.loads(content)
                manifest["golden"][0]["expected"] |= expected
                content = json.dumps(manifest).encode()
            new.writestr(name, content)
    return written.getvalue()


def test_package_that_says_another_tag_is_refused(head: heads.Head) -> None:
    with pytest.raises(NotTheSame, match=r"a\.jpg"):
        packages.check(altered(build(head), pizza=2.0, risotto=0.0, cannoli=0.0))


def test_package_that_differs_by_more_than_a_thousandth_is_refused(head: heads.Head) -> None:
    package = build(head)
    with zipfile.ZipFile(io.BytesIO(package)) as opened:
        expected = json.loads(opened.read("manifest.json"))["golden"][0]["expected"]
    top = max(expected, key=expected.__getitem__)

    packages.check(altered(package, **{top: expected[top] + 0.0005}))
    with pytest.raises(NotTheSame, match="differs by"):
        packages.check(altered(package, **{top: expected[top] + 0.002}))


def test_head_of_another_backbone_is_not_packed(head: heads.Head) -> None:
    with pytest.raises(ModelFileError):
        packages.to_onnx(head, backbones.get("efficientnet-lite0"))
