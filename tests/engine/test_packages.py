"""Exported packages answer as Classifr does, or are refused."""

import hashlib
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
from tests.engine.packages import ORIGIN, build

BACKBONE = backbones.get("efficientnet-lite0-food")


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


def opened(package: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(package))


def test_package_holds_what_custom_vision_packages_hold(head: heads.Head) -> None:
    names = set(opened(build(head)).namelist())

    papers = {"labels.txt", "cvexport.manifest", "metadata_properties.json", "LICENSE"}
    assert names - {"golden/0.png"} == papers | {
        "model.onnx",
        "manifest.json",
        "python/onnxruntime_predict.py",
        "python/requirements.txt",
    }


@pytest.mark.parametrize(("platform", "flavor", "model"), [("ONNX", None, ""), ("DockerFile", "Linux", "app/")])
def test_manifest_is_the_services(head: heads.Head, platform: str, flavor: str | None, model: str) -> None:
    package = opened(build(head, origin=replace(ORIGIN, platform=platform, flavor=flavor)))

    assert json.loads(package.read("cvexport.manifest")) == {
        "DomainType": "Classification",
        "Platform": platform,
        "Flavor": flavor,
        "ExporterVersion": "2.0",
        "ExportedDate": "2024-05-11T19:45:31.1234560Z",
        "IterationId": "35921ec4-e5eb-433a-95d7-536d4666bc0d",
        "ModelFileName": "model.onnx",
        "LabelFileName": "labels.txt",
        "MetadataPropsFileName": "metadata_properties.json",
        "ModelFileSHA1": hashlib.sha1(package.read(f"{model}model.onnx"), usedforsecurity=False).hexdigest(),
        "SchemaVersion": "1.0",
    }


@pytest.mark.parametrize("multilabel", [False, True])
def test_properties_are_those_of_the_service_that_crops(head: heads.Head, *, multilabel: bool) -> None:
    """As in the service's own package of a model that takes the middle of a picture, but for the sizes."""
    package = opened(build(replace(head, multilabel=multilabel)))

    found = json.loads(package.read("metadata_properties.json"))

    kind = "ClassificationMultiLabel" if multilabel else "ClassificationMultiClass"
    assert found == {
        "CustomVision.Metadata.AdditionalModelInfo": "",
        "CustomVision.Metadata.Version": "1.2",
        "CustomVision.Postprocess.Method": kind,
        "CustomVision.Postprocess.Yolo.Biases": "[]",
        "CustomVision.Postprocess.Yolo.NmsThreshold": "0.0",
        "CustomVision.Preprocess.CropHeight": "224",
        "CustomVision.Preprocess.CropMethod": "OneCropCenter",
        "CustomVision.Preprocess.CropWidth": "224",
        "CustomVision.Preprocess.MaxDimension": "0",
        "CustomVision.Preprocess.MaxScale": "0.0",
        "CustomVision.Preprocess.MinDimension": "0",
        "CustomVision.Preprocess.MinScale": "0.0",
        "CustomVision.Preprocess.NormalizeMean": "[0.0, 0.0, 0.0]",
        "CustomVision.Preprocess.NormalizeStd": "[1.0, 1.0, 1.0]",
        "CustomVision.Preprocess.ResizeMethod": "ByShorterSide",
        "CustomVision.Preprocess.TargetHeight": "224",
        "CustomVision.Preprocess.TargetWidth": "224",
        "Image.BitmapPixelFormat": "Rgb8",
        "Image.ColorSpaceGamma": "SRGB",
        "Image.NominalPixelRange": "Normalized_0_1",
    }
    session = onnxruntime.InferenceSession(package.read("model.onnx"))
    assert session.get_modelmeta().custom_metadata_map == found


def test_model_is_what_microsofts_sample_expects(head: heads.Head) -> None:
    session = onnxruntime.InferenceSession(opened(build(head)).read("model.onnx"))

    (given,), (told,) = session.get_inputs(), session.get_outputs()

    assert (given.type, given.shape) == ("tensor(float)", [1, 3, 224, 224])
    assert (told.type, told.shape) == ("tensor(float)", [1, 3])


def test_licence_names_the_network_and_its_terms(head: heads.Head) -> None:
    text = opened(build(head)).read("LICENSE").decode()

    assert backbones.cards()[head.backbone].licence in text
    assert "copyright 2020 ML Illustrated" in text
    assert "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION" in text


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
