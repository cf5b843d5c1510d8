"""What the int8 backbones say of a picture, and where it is stored; to store it for new ones:

python -m tests.engine.same_everywhere
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from engine import backbones
from engine.backbones import Backbone

STORED = Path(__file__).parent / "data" / "same-everywhere.npz"
"""For each backbone NAME: what its last layer says, NAME-integers, and NAME-vector, its average over the picture."""
NAMES = sorted(name for name in backbones.cards() if name.endswith("-int8"))


def picture(backbone: Backbone) -> NDArray[np.float32]:
    """Return a pattern of all grey levels as the network takes it, (1, 3, crop, crop), by integers alone."""
    row, column = np.indices((backbone.card.crop, backbone.card.crop))
    squares = row // 16 * 37 + column // 16 * 53
    levels = np.stack([row * 2 + column, row * column // 64, squares]) % 256
    scaled: NDArray[np.float32] = (levels[None] * backbone.card.scale + backbone.card.offset).astype(np.float32)
    return scaled


def integers(backbone: Backbone) -> NDArray[np.uint8]:
    """Return what the network's last layer says of the picture before the average is taken."""
    model = onnx.load_from_string(backbone.content())
    last = [node.output[0] for node in model.graph.node if node.op_type == "QuantizeLinear"][-1]
    model.graph.output.append(helper.make_tensor_value_info(last, TensorProto.UINT8, None))
    session = backbones.open_session(model.SerializeToString(), threads=1)
    said: NDArray[np.uint8] = session.run([last], {backbone.card.input: picture(backbone)})[0]
    return said


def vector(backbone: Backbone) -> NDArray[np.float32]:
    found: NDArray[np.float32] = backbone.embed(picture(backbone))[0]
    return found


def store() -> None:
    arrays: dict[str, NDArray[Any]] = {}
    for name in NAMES:
        backbone = backbones.get(name)
        arrays |= {f"{name}-integers": integers(backbone), f"{name}-vector": vector(backbone)}
    np.savez_compressed(STORED, allow_pickle=False, **arrays)


if __name__ == "__main__":
    store()
