"""Make an int8 backbone of a float32 one, and its card.

Needs onnx, onnxruntime, sympy and Pillow; what tools/requirements-backbone.txt has will do:

    python tools/quantise_backbone.py efficientnet-lite0 efficientnet-lite0-int8 --data FOLDER --domains General

FOLDER holds photographs as <class>/*.jpg, of which some are looked at to learn the range of each activation.

The integers are the same on every processor: weights have seven bits (`reduce_range`), so that sums of products never
overflow the sixteen bits that AVX2 has for them, and the network takes grey levels less 128, each of which is one step
of its input. The average over the picture stays in float32.
"""

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine import backbones, images
from engine.backbones import Card

PHOTOGRAPHS = 303
"""Looked at: three of each of 101 classes."""
GREY = 128
"""Of 256 levels the one that becomes zero, as padding is: the network was trained with 127.5."""


class Photographs(CalibrationDataReader):
    """Photographs as the network takes them, one at a time."""

    def __init__(self, card: Card, paths: list[Path]) -> None:
        self._batches = self._read(card, paths)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(self._batches, None)

    @staticmethod
    def _read(card: Card, paths: list[Path]) -> Iterator[dict[str, NDArray[np.float32]]]:
        backbone = backbones.Backbone(card)
        for path in paths:
            admitted = images.admit(path.read_bytes(), limits=images.TRAINING)
            image = images.decode(admitted, shorter_side=card.resize)
            yield {card.input: backbone.prepare(image)[None]}


def chosen(folder: Path) -> list[Path]:
    """Return PHOTOGRAPHS of the folder, the first ones of each class."""
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    each = -(-PHOTOGRAPHS // len(classes))
    return [path for name in classes for path in sorted(name.glob("*.jpg"))[:each]][:PHOTOGRAPHS]


def prepared(content: bytes, card: Card, *, folder: Path) -> onnx.ModelProto:
    """Return the network with each Pad and each normalisation folded into its convolution, taking grey levels."""
    model = onnx.load_from_string(content)
    for node in model.graph.node:
        if node.op_type == "Pad" and node.input[-1] == "":  # onnxruntime folds only one without it
            del node.input[-1]
    given, made = folder / "given.onnx", folder / "made.onnx"
    onnx.save(model, given)
    quant_pre_process(given, made, skip_symbolic_shape=True)
    folded = onnx.load(made)
    left = {node.op_type for node in folded.graph.node} - {"Conv", "Clip", "Add", "ReduceMean"}
    if left:
        raise SystemExit(f"The network has {', '.join(sorted(left))}, which would not become integers.")
    take_grey_levels(folded, card)
    return folded


def take_grey_levels(model: onnx.ModelProto, card: Card) -> None:
    """Let the first convolution scale its input, which is a grey level less GREY, as the card says."""
    constants = {each.name: each for each in model.graph.initializer}
    weights, bias = (constants[name] for name in model.graph.node[0].input[1:3])
    scaled = numpy_helper.to_array(weights) * np.float32(card.scale)
    shift = (GREY + card.offset / card.scale) * scaled.sum(axis=(1, 2, 3))
    bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) + shift.astype(np.float32), bias.name))
    weights.CopyFrom(numpy_helper.from_array(scaled, weights.name))


def quantised(model: onnx.ModelProto, card: Card, paths: list[Path], *, folder: Path) -> bytes:
    """Return the int8 network; card: of the network that takes grey levels."""
    given, made = folder / "grey.onnx", folder / "quantised.onnx"
    onnx.save(model, given)
    step = {"scale": np.array(1, np.float32), "zero_point": np.array(GREY, np.uint8), "quant_type": QuantType.QUInt8}
    quantize_static(
        given,
        made,
        Photographs(card, paths),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        reduce_range=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
        op_types_to_quantize=["Conv", "Clip", "Add"],
        extra_options={"TensorQuantOverrides": {card.input: [step]}},
    )
    network = onnx.load(made)
    ours = [each for each in network.opset_import if not each.domain]
    del network.opset_import[:]
    network.opset_import.extend(ours)
    onnx.checker.check_model(network)
    content: bytes = network.SerializeToString()
    return content


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("float32", help="name of the backbone to begin with")
    parser.add_argument("name", help="of the new one")
    parser.add_argument("--data", type=Path, required=True, help="folder with <class>/*.jpg")
    parser.add_argument("--domains", nargs="+", required=True, help="project domains whose new trainings take it")
    parser.add_argument(
        "--source", type=Path, default=backbones.MODELS, help="where the old one is (default: %(default)s)"
    )
    parser.add_argument(
        "--folder", type=Path, default=backbones.MODELS, help="where the new one goes (default: %(default)s)"
    )
    options = parser.parse_args()
    old = backbones.cards(options.source)[options.float32]
    grey = replace(
        old,
        name=options.name,
        domains=tuple(options.domains),
        file=f"{options.name}.onnx",
        scale=1,
        offset=-GREY,
        examples=None,  # the old one's vectors are not its own
    )
    with tempfile.TemporaryDirectory() as folder:
        network = prepared(backbones.Backbone(old, folder=options.source).content(), old, folder=Path(folder))
        content = quantised(network, grey, chosen(options.data), folder=Path(folder))
    (options.folder / grey.file).write_bytes(content)
    card = replace(grey, sha256=hashlib.sha256(content).hexdigest(), source=f"{old.source}, quantised to 8 bits")
    (options.folder / f"{card.name}.card.json").write_text(json.dumps(asdict(card), indent=2) + "\n")
    print(f"{len(content)} bytes")


if __name__ == "__main__":
    main()
