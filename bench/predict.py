"""Print how long each step of a prediction takes in the engine alone, without HTTP, Django or database."""

import io
import os
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine import backbones, heads, images

ROUNDS = 30


def photo() -> bytes:
    """Return a JPEG of 1600 × 1200 pixels."""
    coarse = np.random.default_rng(0).integers(0, 256, (150, 200, 3), dtype=np.uint8)
    written = io.BytesIO()
    Image.fromarray(coarse).resize((1600, 1200), Image.Resampling.BICUBIC).save(written, "JPEG", quality=88)
    return written.getvalue()


def main() -> None:
    threads = os.cpu_count() or 1
    backbone = backbones.get(backbones.for_domain("Food").name, threads=threads)
    head = heads.loads((backbones.MODELS / "food-101.safetensors").read_bytes())
    content = photo()
    steps: dict[str, list[float]] = {"decode": [], "prepare": [], "embed": [], "head": []}
    for _ in range(ROUNDS + 1):
        moments = [perf_counter()]
        image = images.decode(images.admit(content, limits=images.PREDICTION), shorter_side=backbone.card.resize)
        moments.append(perf_counter())
        prepared = backbone.prepare(image)[None]
        moments.append(perf_counter())
        vectors = backbone.embed(prepared)
        moments.append(perf_counter())
        head.probabilities(vectors)
        moments.append(perf_counter())
        for name, start, end in zip(steps, moments, moments[1:], strict=False):
            steps[name].append(1000 * (end - start))
    # The first round loads the backbone.
    told = {name: median(times[1:]) for name, times in steps.items()}
    print(
        f"predict, {threads} threads:",
        ", ".join(f"{name} {time:.1f} ms" for name, time in told.items()),
        f"= {sum(told.values()):.1f} ms",
    )


if __name__ == "__main__":
    main()
