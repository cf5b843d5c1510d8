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
from engine.packages import Golden, NotTheSame
from tests import factories
from tests.engine.packages import ORIGIN, build, keen_head

pytestmark = pytest.mark.slow

BACKBONE = backbones.get("efficientnet-lite0-food-int8")


@pytest.fixture
def head() -> heads.Head:
    return heads.loads(factories.make_head("cannoli", "risotto", "pizza"))


def make_golden(head: heads.Head, **sizes: tuple[int, int]) -> list[Golden]:
    """Return golden pictures of these sizes, by name; one if none is given."""
    backbone = backbones.get(head.backbone)
    return [
        packages.golden(name, factories.make_photo(seed=1, size=size), head=head, backbone=backbone)
        for name, size in (sizes or {"a": (640, 480)}).items()
    ]


@pytest.mark.parametrize("multilabel", [False, True])
def test_package_gives_the_same_probabilities(head: heads.Head, *, multilabel: bool) -> None:
    head = replace(head, multilabel=multilabel)
    package = opened(build(head))

    packages.check(package.read("model.onnx"), make_golden(head), tags=head.tags)


def test_package_is_used_as_its_manifest_says(head: heads.Head) -> None:
    content = factories.make_photo(seed=2, size=(400, 300))
    with zipfile.ZipFile(io.BytesIO(build(head))) as package:
        session = onnxruntime.InferenceSession(package.read("model.onnx"))
        labels = package.read("labels.txt").decode().splitlines()
    picture = Image.open(io.BytesIO(content)).convert("RGB").resize((299, 224), Image.Resampling.BICUBIC)
    square = picture.crop((37, 0, 261, 224))
    pixels = np.asarray(square, dtype=np.float32).transpose(2, 0, 1)[None] / 255

    found = session.run(None, {session.get_inputs()[0].name: pixels})[0][0]

    ours = head.probabilities(BACKBONE.vector(images.admit(content, limits=images.TRAINING))[None])[0]
    assert labels == list(head.tags)
    np.testing.assert_allclose(found, ours, atol=0.05)


def test_same_iteration_gives_the_same_package(head: heads.Head) -> None:
    assert build(head) == build(head)


def opened(package: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(package))


def test_package_holds_what_custom_vision_packages_hold(head: heads.Head) -> None:
    names = {name for name in opened(build(head)).namelist() if not name.startswith("python/engine/")}

    papers = {"README.md", "labels.txt", "cvexport.manifest", "metadata_properties.json", "LICENSE"}
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


def test_model_that_differs_by_more_than_a_thousandth_is_refused(head: heads.Head) -> None:
    model, (golden,) = packages.to_onnx(head, BACKBONE), make_golden(head)
    nearly, otherwise = (
        replace(golden, expected=(golden.expected[0] + by, *golden.expected[1:])) for by in (5e-4, -2e-3)
    )

    packages.check(model, [nearly], tags=head.tags)
    with pytest.raises(NotTheSame) as raised:
        packages.check(model, [golden, replace(otherwise, name="b")], tags=head.tags)

    assert (raised.value.picture, raised.value.tag) == ("b", head.tags[0])
    assert raised.value.answer - raised.value.expected == pytest.approx(2e-3, abs=1e-4)


def test_model_without_numbers_is_refused(head: heads.Head) -> None:
    golden = replace(make_golden(head)[0], expected=(float("nan"),) * len(head.tags))

    with pytest.raises(NotTheSame):
        packages.check(packages.to_onnx(head, BACKBONE), [golden], tags=head.tags)


PHONE = {"a3024x4032": (3024, 4032), "a3000x4000": (3000, 4000), "a720x960": (720, 960), "a2000x3000": (2000, 3000)}
FLAT = {"a4032x3024": (4032, 3024), "a375x500": (375, 500), "a240x1000": (240, 1000), "a601x601": (601, 601)}


@pytest.mark.parametrize("name", sorted(backbones.cards()))
def test_upright_photographs_are_the_same_to_both(name: str) -> None:
    head = keen_head(name)
    pictures = make_golden(head, **PHONE, **FLAT)
    model = onnxruntime.InferenceSession(packages.to_onnx(head, backbones.get(name)))

    squares = [np.asarray(each.square, dtype=np.float32).transpose(2, 0, 1)[None] / 255 for each in pictures]
    found = np.concatenate([model.run(None, {"data": square})[0] for square in squares])

    np.testing.assert_allclose(found, [each.expected for each in pictures], atol=1e-4)


@pytest.mark.parametrize("name", sorted(backbones.cards()))
def test_the_square_of_a_package_has_the_networks_in_its_middle(name: str) -> None:
    """Level by level: an int8 network makes a difference that one can see of a single one."""
    card = backbones.cards()[name]
    random = np.random.default_rng(0)
    sizes = [*PHONE.values(), *random.integers(150, 1000, (20, 2)).tolist()]
    margin = (card.resize - card.crop) // 2

    for width, height in sizes:
        image = Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))
        inner = images.middle(image, resize=card.resize, crop=card.crop)
        around = images.middle(image, resize=card.resize, crop=card.resize)
        cut = around.crop((margin, margin, margin + card.crop, margin + card.crop))
        assert inner.tobytes() == cut.tobytes(), (width, height)


def test_head_of_another_backbone_is_not_packed(head: heads.Head) -> None:
    with pytest.raises(ModelFileError):
        packages.to_onnx(head, backbones.get("efficientnet-lite0"))
