"""One ONNX file from pixels to probabilities: a backbone with what stands before and after it."""

from typing import Any

import numpy as np

from engine.backbones import Backbone, Card
from engine.exceptions import ModelFileError
from engine.heads import Head, check_backbone

INPUT = "data"
OUTPUT = "probabilities"


def to_onnx(head: Head, backbone: Backbone) -> bytes:
    """Return one ONNX file, from `data`, float32 (1, 3, resize, resize), RGB, 0 to 1, to `probabilities`, (1, tags).

    It cuts out the middle by itself, so that a program that only scales its pictures sees them as large as Classifr
    does. Raises ModelFileError when the head belongs to another backbone.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    check_backbone(head, backbone.card)
    card = backbone.card
    model = onnx.load_from_string(backbone.content())
    graph = model.graph
    before, after = _before(backbone), _after(head, backbone)
    nodes = [*before, *graph.node, *after]
    del graph.node[:], graph.input[:], graph.output[:]
    graph.node.extend(nodes)
    graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value), name) for name, value in _constants(head, backbone).items()
    )
    graph.input.append(helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [1, 3, card.resize, card.resize]))
    graph.output.append(helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [1, len(head.tags)]))
    helper.set_model_props(model, properties(head, card))
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise ModelFileError(f"The exported model is not valid: {error}") from error
    content: bytes = model.SerializeToString()
    return content


def properties(head: Head, card: Card) -> dict[str, str]:
    """Return how pictures are prepared and answers read, in the service's own words."""
    side = str(card.resize)
    return {
        "CustomVision.Metadata.AdditionalModelInfo": "",
        "CustomVision.Metadata.Version": "1.2",
        "CustomVision.Postprocess.Method": f"ClassificationMulti{'Label' if head.multilabel else 'Class'}",
        "CustomVision.Postprocess.Yolo.Biases": "[]",
        "CustomVision.Postprocess.Yolo.NmsThreshold": "0.0",
        "CustomVision.Preprocess.CropHeight": side,
        "CustomVision.Preprocess.CropMethod": "OneCropCenter",
        "CustomVision.Preprocess.CropWidth": side,
        "CustomVision.Preprocess.MaxDimension": "0",
        "CustomVision.Preprocess.MaxScale": "0.0",
        "CustomVision.Preprocess.MinDimension": "0",
        "CustomVision.Preprocess.MinScale": "0.0",
        "CustomVision.Preprocess.NormalizeMean": "[0.0, 0.0, 0.0]",
        "CustomVision.Preprocess.NormalizeStd": "[1.0, 1.0, 1.0]",
        "CustomVision.Preprocess.ResizeMethod": "ByShorterSide",
        "CustomVision.Preprocess.TargetHeight": side,
        "CustomVision.Preprocess.TargetWidth": side,
        "Image.BitmapPixelFormat": "Rgb8",
        "Image.ColorSpaceGamma": "SRGB",
        "Image.NominalPixelRange": "Normalized_0_1",
    }


def _constants(head: Head, backbone: Backbone) -> dict[str, Any]:
    card = backbone.card
    margin = round((card.resize - card.crop) / 2)
    return {
        "classifr_from": np.array([margin, margin], dtype=np.int64),
        "classifr_to": np.array([margin + card.crop, margin + card.crop], dtype=np.int64),
        "classifr_axes": np.array([2, 3], dtype=np.int64),
        "classifr_scale": np.float32(255 * card.scale),
        "classifr_offset": np.float32(card.offset),
        "classifr_weights": head.weights,
        "classifr_bias": head.bias,
        "classifr_temperature": np.float32(head.temperature),
    }


def _before(backbone: Backbone) -> list[Any]:
    from onnx import helper

    return [
        helper.make_node("Slice", [INPUT, "classifr_from", "classifr_to", "classifr_axes"], ["classifr_middle"]),
        helper.make_node("Mul", ["classifr_middle", "classifr_scale"], ["classifr_scaled"]),
        helper.make_node("Add", ["classifr_scaled", "classifr_offset"], [backbone.card.input]),
    ]


def _after(head: Head, backbone: Backbone) -> list[Any]:
    from onnx import helper

    squash = helper.make_node("Sigmoid", ["classifr_tempered"], [OUTPUT])
    if not head.multilabel:
        squash = helper.make_node("Softmax", ["classifr_tempered"], [OUTPUT], axis=1)
    return [
        helper.make_node("LpNormalization", [backbone.card.output], ["classifr_unit"], axis=1, p=2),
        helper.make_node("Gemm", ["classifr_unit", "classifr_weights", "classifr_bias"], ["classifr_logits"]),
        helper.make_node("Div", ["classifr_logits", "classifr_temperature"], ["classifr_tempered"]),
        squash,
    ]
