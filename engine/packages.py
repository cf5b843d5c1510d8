"""Packages that other programs can use without Classifr: one ONNX file from pixels to probabilities, and its papers.

The layout is that of Custom Vision's ONNX export, with `golden/` and `manifest.json` beside it: pictures as the network
sees them with the probabilities that Classifr gives, so that anyone can check what they run.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine import images
from engine.backbones import Backbone, open_session
from engine.exceptions import EngineError, ModelFileError
from engine.heads import Head, check_backbone

TOLERANCE = 1e-3
"""By how much a probability may differ between a package and Classifr."""
_INPUT = "data"
_OUTPUT = "probabilities"
_EARLIEST = (1980, 1, 1, 0, 0, 0)


class NotTheSame(EngineError):
    """A package answers otherwise than Classifr; it must not be used."""


@dataclass(frozen=True)
class Golden:
    """A picture on which every copy of the model must agree."""

    name: str
    square: Image.Image
    """RGB, as the network sees it."""
    expected: tuple[float, ...]
    """Classifr's probability of each tag."""


def golden(contents: Mapping[str, bytes], *, head: Head, backbone: Backbone) -> list[Golden]:
    """Return what Classifr says of these picture files, by name. Raises RefusedPicture."""
    found = []
    for name, content in contents.items():
        image = images.decode(content, limits=images.TRAINING, shorter_side=backbone.card.resize)
        probabilities = head.probabilities(backbone.embed(backbone.prepare(image)[None]))[0]
        found.append(Golden(name, backbone.crop(image), tuple(probabilities.tolist())))
    return found


def synthetic_pictures(count: int = 4, *, side: int = 320) -> dict[str, bytes]:
    """Return picture files made of coloured clouds, always the same, for a model whose own pictures are gone."""
    random = np.random.default_rng(0)
    return {
        f"synthetic-{number}": _png(
            Image.fromarray(random.integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize((side, side))
        )
        for number in range(count)
    }


def build(*, head: Head, backbone: Backbone, pictures: Sequence[Golden], about: Mapping[str, Any]) -> bytes:
    """Return the package, a zip file; the same model and pictures give the same bytes.

    about: what the manifest is to say beside the preprocessing, such as names and figures. Raises ModelFileError.
    """
    model = to_onnx(head, backbone)
    files = {
        "model.onnx": model,
        "labels.txt": "".join(f"{tag}\n" for tag in head.tags).encode(),
        "cvexport.manifest": _json(
            {
                "DomainType": "Classification",
                "Platform": "ONNX",
                "ExporterVersion": "2.0",
                "ModelFileName": "model.onnx",
                "LabelFileName": "labels.txt",
                "ModelFileSHA1": hashlib.sha1(model, usedforsecurity=False).hexdigest(),
                "SchemaVersion": "1.0",
            }
        ),
        "manifest.json": _json(_manifest(head, backbone, model, pictures) | dict(about)),
        **{f"golden/{number}.png": _png(each.square) for number, each in enumerate(pictures)},
    }
    written = io.BytesIO()
    # Not compressed: weights hardly shrink, and it would take a second.
    with zipfile.ZipFile(written, "w") as package:
        for name, content in files.items():
            package.writestr(zipfile.ZipInfo(name, _EARLIEST), content)
    return written.getvalue()


def check(package: bytes) -> None:
    """Run a package on its golden pictures; raise NotTheSame where it answers otherwise than Classifr did."""
    with zipfile.ZipFile(io.BytesIO(package)) as opened:
        session = open_session(opened.read("model.onnx"), threads=1)
        for each in json.loads(opened.read("manifest.json"))["golden"]:
            with Image.open(io.BytesIO(opened.read(each["file"]))) as square:
                pixels = np.asarray(square, dtype=np.float32).transpose(2, 0, 1)[None] / 255
            found: NDArray[np.float32] = session.run([_OUTPUT], {_INPUT: pixels})[0][0]
            _compare(each["name"], found, np.array(list(each["expected"].values())), list(each["expected"]))


def to_onnx(head: Head, backbone: Backbone) -> bytes:
    """Return one ONNX file, from `data`, float32 (n, 3, crop, crop), RGB, 0 to 1, to `probabilities`, (n, tags).

    Raises ModelFileError when the head belongs to another backbone.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    check_backbone(head, backbone.card)
    card = backbone.card
    model = onnx.load_from_string(backbone.content())
    graph = model.graph
    constants = {
        "classifr_scale": np.float32(255 * card.scale),
        "classifr_offset": np.float32(card.offset),
        "classifr_weights": head.weights,
        "classifr_bias": head.bias,
        "classifr_temperature": np.float32(head.temperature),
    }
    graph.initializer.extend(numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items())
    before = [
        helper.make_node("Mul", [_INPUT, "classifr_scale"], ["classifr_scaled"]),
        helper.make_node("Add", ["classifr_scaled", "classifr_offset"], [card.input]),
    ]
    squash = helper.make_node("Sigmoid", ["classifr_tempered"], [_OUTPUT])
    if not head.multilabel:
        squash = helper.make_node("Softmax", ["classifr_tempered"], [_OUTPUT], axis=1)
    after = [
        helper.make_node("LpNormalization", [card.output], ["classifr_unit"], axis=1, p=2),
        helper.make_node("Gemm", ["classifr_unit", "classifr_weights", "classifr_bias"], ["classifr_logits"]),
        helper.make_node("Div", ["classifr_logits", "classifr_temperature"], ["classifr_tempered"]),
        squash,
    ]
    nodes = [*before, *graph.node, *after]
    del graph.node[:], graph.input[:], graph.output[:]
    graph.node.extend(nodes)
    graph.input.append(helper.make_tensor_value_info(_INPUT, TensorProto.FLOAT, ["n", 3, card.crop, card.crop]))
    graph.output.append(helper.make_tensor_value_info(_OUTPUT, TensorProto.FLOAT, ["n", len(head.tags)]))
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise ModelFileError(f"The exported model is not valid: {error}") from error
    content: bytes = model.SerializeToString()
    return content


def _manifest(head: Head, backbone: Backbone, model: bytes, pictures: Sequence[Golden]) -> dict[str, Any]:
    card = backbone.card
    return {
        "format_version": 1,
        "tags": head.tags,
        "type": "Multilabel" if head.multilabel else "Multiclass",
        "model_sha256": hashlib.sha256(model).hexdigest(),
        "input": {"name": _INPUT, "shape": ["n", 3, card.crop, card.crop], "dtype": "float32", "range": [0, 1]},
        "output": {"name": _OUTPUT, "shape": ["n", len(head.tags)], "dtype": "float32"},
        "preprocessing": [
            "decode, apply the EXIF orientation, convert to RGB",
            f"resize the shorter side to {card.resize} pixels, bicubic",
            f"cut the square of {card.crop} pixels out of the middle",
            "divide by 255, order as channels, height, width",
        ],
        "backbone": asdict(card),
        "tolerance": TOLERANCE,
        "golden": [
            {
                "name": each.name,
                "file": f"golden/{number}.png",
                "expected": dict(zip(head.tags, each.expected, strict=True)),
            }
            for number, each in enumerate(pictures)
        ],
    }


def _compare(name: str, found: NDArray[np.float32], expected: NDArray[np.float64], tags: Sequence[str]) -> None:
    if len(found) != len(expected):
        raise NotTheSame(f"On {name} the package gives {len(found)} probabilities, Classifr {len(expected)}.")
    if tags[int(found.argmax())] != tags[int(expected.argmax())]:
        raise NotTheSame(
            f"On {name} the package says {tags[int(found.argmax())]}, Classifr {tags[int(expected.argmax())]}."
        )
    gap = float(np.abs(found - expected).max())
    if not gap <= TOLERANCE:
        raise NotTheSame(f"On {name} a probability differs by {gap:.2g}; at most {TOLERANCE:g} is accepted.")


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode()


def _png(image: Image.Image) -> bytes:
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()
