"""Classify pictures with the exported model, as the server does; needs numpy, onnxruntime and Pillow.

python onnxruntime_predict.py photo.jpg another.png
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

from engine import images

LIMITS = images.Limits(frozenset(images.FORMATS), max_bytes=100 * 1024 * 1024)


class Model:
    """A model.onnx, with labels.txt beside it; safe to use from several threads."""

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        """Load it; threads: 0 for as many as there are cores."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.labels = path.with_name("labels.txt").read_text(encoding="utf-8").splitlines()
        about = self.session.get_modelmeta().custom_metadata_map
        self.resize = int(about["CustomVision.Preprocess.TargetHeight"])
        self.crop = int(about["CustomVision.Preprocess.CropHeight"])

    def predict(self, content: bytes) -> dict[str, float]:
        """Return the probability of each label, in the labels' order, for a JPEG, PNG, BMP or GIF file's bytes.

        Raises RefusedPicture for anything else, and for what is damaged or too large.
        """
        picture = images.admit(content, limits=LIMITS)
        return self.probabilities(images.decode(picture, shorter_side=self.resize))

    def probabilities(self, image: Image.Image) -> dict[str, float]:
        """Return the same for an upright picture in sRGB."""
        square = images.middle(image, resize=self.resize, crop=self.crop)
        pixels = np.asarray(square, dtype=np.float32).transpose(2, 0, 1)[None] / 255
        (answer,) = self.session.run(None, {self.session.get_inputs()[0].name: pixels})
        return dict(zip(self.labels, answer[0].tolist(), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description="Print the probability of each label for each picture, as JSON.")
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--model", type=Path, default=Path(__file__).resolve().parent.parent / "model.onnx")
    given = parser.parse_args()
    model = Model(given.model)
    for path in given.pictures:
        probabilities = sorted(model.predict(path.read_bytes()).items(), key=lambda pair: -pair[1])
        predictions = [{"tagName": label, "probability": probability} for label, probability in probabilities]
        sys.stdout.write(f"{json.dumps({'file': str(path), 'predictions': predictions})}\n")


if __name__ == "__main__":
    main()
