"""Print what decoding at a reduced scale saves on a photo of 12 megapixels and nearly 4 MiB."""

import io
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine import images

SIDE = 224
ROUNDS = 7


def big_photo() -> bytes:
    """Return a JPEG of 4000 × 3000 pixels, as heavy as the page accepts: blurred noise at the quality that fits."""
    coarse = np.random.default_rng(0).integers(0, 256, (750, 1000, 3), dtype=np.uint8)
    photo = Image.fromarray(coarse).resize((4000, 3000), Image.Resampling.BICUBIC)
    for quality in range(98, 50, -1):
        written = io.BytesIO()
        photo.save(written, "JPEG", quality=quality)
        if written.tell() <= images.PAGE_PHOTO.max_bytes:
            break
    return written.getvalue()


def in_full(content: bytes) -> Image.Image:
    photo = Image.open(io.BytesIO(content)).convert("RGB")
    return photo.resize((SIDE * 4 // 3, SIDE), Image.Resampling.BICUBIC)


def reduced(content: bytes) -> Image.Image:
    small = images.decode(images.admit(content, limits=images.PAGE_PHOTO), shorter_side=SIDE)
    return small.resize((SIDE * 4 // 3, SIDE), Image.Resampling.BICUBIC)


def main() -> None:
    content = big_photo()
    times: dict[str, list[float]] = {"full": [], "reduced": []}
    for _ in range(ROUNDS):  # in turns: both meet the same load
        for name, decode in (("full", in_full), ("reduced", reduced)):
            start = perf_counter()
            decode(content)
            times[name].append(1000 * (perf_counter() - start))
    full, small = median(times["full"]), median(times["reduced"])
    print(
        f"decode, 12 megapixels, {len(content) / 2**20:.2f} MiB: full {full:.1f} ms, reduced {small:.1f} ms, "
        f"{full / small:.1f} times faster"
    )


if __name__ == "__main__":
    main()
