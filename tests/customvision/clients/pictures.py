"""Photographs that a classifier can tell apart after five of each."""

import io
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

LOOKS = {
    "cannoli": ("ellipse", (200, 60, 40)),
    "risotto": ("rectangle", (40, 60, 200)),
    "pizza": ("chord", (40, 160, 60)),
    "tiramisu": ("line", (230, 210, 60)),
}
"""Of each tag: what is drawn, on a ground of which colour."""


def make_picture(tag: str, seed: int) -> bytes:
    """Return a picture of the tag's shapes in its colour; another seed makes another one."""
    random = np.random.default_rng([seed, len(tag)])
    shape, ground = LOOKS[tag]
    picture = Pillow.new("RGB", (320, 240), ground)
    canvas = ImageDraw.Draw(picture)
    for _ in range(12):
        x, y, size = random.integers((0, 0, 30), (280, 200, 60)).tolist()
        shade = tuple(np.clip(ground + random.integers(-30, 50, 3), 0, 255).tolist())
        angles = {"start": 20, "end": 200} if shape == "chord" else {}
        getattr(canvas, shape)((x, y, x + size, y + size), fill=shade, **angles)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def make_tree(folder: Path, *, each: int) -> Path:
    """Make what the programs read: Train/<tag>/, and in Test/ 1 to 6 of two tags, 7 to 12 of the others."""
    for tag in LOOKS:
        (folder / "Train" / tag).mkdir(parents=True)
        for number in range(each):
            (folder / "Train" / tag / f"{tag}_{number}.jpg").write_bytes(make_picture(tag, number))
    (folder / "Test").mkdir()
    for number in range(1, 13):
        tag = list(LOOKS)[(number > 6) * 2 + number % 2]
        (folder / "Test" / f"{number}.jpg").write_bytes(make_picture(tag, 1000 + number))
    return folder
