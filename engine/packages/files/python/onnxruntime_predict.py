"""Classify pictures with the exported model, as the server does; needs numpy, onnxruntime and Pillow.

python onnxruntime_predict.py photo.jpg another.png
"""

import argparse
import io
import json
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image, ImageCms, ImageFile, ImageOps
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

READERS: dict[bytes, type[ImageFile.ImageFile]] = {
    b"\xff\xd8\xff": JpegImageFile,
    b"\x89PNG": PngImageFile,
    b"GIF8": GifImageFile,
    b"BM": BmpImageFile,
}
PROFILE_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
ORIENTATION = 0x0112


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
        """Return the probability of each label, in the labels' order, for a JPEG, PNG, BMP or GIF file's bytes."""
        return self.probabilities(read(content, shorter_side=self.resize))

    def probabilities(self, image: Image.Image) -> dict[str, float]:
        """Return the same for an upright picture in sRGB."""
        square = middle(image, resize=self.resize, crop=self.crop)
        pixels = np.asarray(square, dtype=np.float32).transpose(2, 0, 1)[None] / 255
        (answer,) = self.session.run(None, {self.session.get_inputs()[0].name: pixels})
        return dict(zip(self.labels, answer[0].tolist(), strict=True))


def read(content: bytes, *, shorter_side: int) -> Image.Image:
    """Return the upright picture in sRGB, on white where it is clear, reduced where it is far bigger than needed.

    Raises ValueError for what is no picture, and whatever Pillow raises for one that is damaged.
    """
    reader = next((each for start, each in READERS.items() if content.startswith(start)), None)
    if reader is None:
        raise ValueError("This is neither a JPEG, nor a PNG, BMP or GIF.")
    with reader(io.BytesIO(content)) as image:
        image.draft(None, (shorter_side, shorter_side))  # a JPEG can be decoded at an eighth, a quarter or a half
        image.load()
        factor = max(1, min(image.size) // (2 * shorter_side))
        upright = to_srgb(flat(image).reduce(factor), image.info.get("icc_profile"))
        upright.getexif()[ORIENTATION] = orientation(image.info.get("exif"))
    return ImageOps.exif_transpose(upright)


def middle(image: Image.Image, *, resize: int, crop: int) -> Image.Image:
    """Return the square that the network sees: the shorter side becomes `resize` pixels, `crop` of which are kept."""
    side = crop / resize * min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    # Each pass rounds. In one call Pillow chooses by the sizes which is first: two squares of one picture would differ.
    narrow = image.resize((crop, image.height), Image.Resampling.BICUBIC, box=(left, 0, left + side, image.height))
    return narrow.resize((crop, crop), Image.Resampling.BICUBIC, box=(0, top, crop, top + side))


def flat(image: Image.Image) -> Image.Image:
    """Return the picture in grey, RGB or CMYK, 8 bits deep and opaque."""
    if image.mode.startswith("I"):
        deep = np.asarray(image).astype(np.uint32)
        return Image.fromarray(((deep * 255 + 32_767) // 65_535).astype(np.uint8))
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered).convert("RGB")
    return image if image.mode in PROFILE_SPACES else image.convert("RGB")


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return a new picture in sRGB; a profile that is broken, or of other colours, is not looked at."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile or b""))
        if source.profile.xcolor_space.strip() == PROFILE_SPACES[image.mode]:
            converted = ImageCms.profileToProfile(image, source, SRGB, outputMode="RGB")
            if converted is not None:
                return _bare(converted)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        pass
    return _bare(image.convert("RGB"))


def orientation(exif: bytes | None) -> int:
    """Return which way up the picture is, 1 to 8, as its EXIF data says; 1 where it says nothing readable."""
    found = Image.Exif()
    try:
        found.load(exif or b"")
        value: Any = found.get(ORIENTATION, 1)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error):
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _bare(image: Image.Image) -> Image.Image:
    image.info = {}
    return image


def main() -> None:
    parser = argparse.ArgumentParser(description="Print the probability of each label for each picture, as JSON.")
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--model", type=Path, default=Path(__file__).resolve().parent.parent / "model.onnx")
    given = parser.parse_args()
    model = Model(given.model)
    for path in given.pictures:
        said = sorted(model.predict(path.read_bytes()).items(), key=lambda each: -each[1])
        predictions = [{"tagName": label, "probability": probability} for label, probability in said]
        sys.stdout.write(f"{json.dumps({'file': str(path), 'predictions': predictions})}\n")


if __name__ == "__main__":
    main()
