"""Photographs that a classifier can tell apart after five of each."""

import io
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

COLOURS = {
    "cannoli": ((150, 20, 20), (255, 110, 90)),
    "risotto": ((20, 20, 150), (90, 110, 255)),
    "pizza": ((20, 120, 20), (110, 255, 110)),
    "tiramisu": ((180, 160, 20), (255, 255, 90)),
}


def make_picture(tag: str, seed: int) -> bytes:
    """Return a picture in the tag's colours; another seed makes one that is not nearly the same."""
    random = np.random.default_rng([seed, len(tag)])
    low, high = COLOURS[tag]
    coarse = random.integers(low, high, (*random.integers(3, 12, 2), 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Pillow.fromarray(coarse).resize((320, 240), Pillow.Resampling.NEAREST).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def make_tree(folder: Path, *, each: int) -> Path:
    """Make what the programs read: Train/<tag>/, and in Test/ 1 to 6 of two tags, 7 to 12 of the others."""
    for tag in COLOURS:
        (folder / "Train" / tag).mkdir(parents=True)
        for number in range(each):
            (folder / "Train" / tag / f"{tag}_{number}.jpg").write_bytes(make_picture(tag, number))
    (folder / "Test").mkdir()
    for number in range(1, 13):
        tag = list(COLOURS)[(number > 6) * 2 + number % 2]
        (folder / "Test" / f"{number}.jpg").write_bytes(make_picture(tag, 1000 + number))
    return folder
