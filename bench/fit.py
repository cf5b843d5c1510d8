"""Print the processor time that fitting a head takes, on made-up vectors of which a fifth is held out."""

import sys
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine import backbones, fitting, nearness
from engine.fitting import Examples

SIZES = ((4, 960), (101, 1000))
"""Tags, and pictures of each."""


def clouds(tags: int, count: int) -> Examples:
    """Return vectors around one centre a tag, near enough that some are taken for others."""
    random = np.random.default_rng(0)
    length = backbones.for_domain("General").vector_length
    centres = np.abs(random.normal(size=(tags, length)))
    labels = np.arange(tags * count) % tags
    noise = np.abs(random.normal(size=(len(labels), length), scale=15))
    return Examples((centres[labels] + noise).astype(np.float32), labels)


def main() -> None:
    for tags, count in SIZES:
        data = clouds(tags, count)
        held_out = np.arange(len(data.labels)) % 5 == 0
        learned = Examples(data.vectors[~held_out], data.labels[~held_out])
        unseen = Examples(data.vectors[held_out], data.labels[held_out])
        started, began = process_time(), perf_counter()
        choice = fitting.choose(learned, calibration=unseen, seed=0)
        names, card = [str(tag) for tag in range(tags)], backbones.for_domain("General")
        head = fitting.recalibrated(fitting.fit_as_chosen(learned, choice, tags=names, card=card), unseen)
        cpu, wall = process_time() - started, perf_counter() - began
        right = (head.probabilities(unseen.vectors).argmax(axis=1) == unseen.labels).mean()
        started = process_time()
        nearness.groups(data.vectors)
        print(
            f"fit, {tags} tags of {count} vectors: {cpu:.1f} s of processor in {wall:.1f} s, {right:.0%} right; "
            f"near-duplicates looked for in {process_time() - started:.1f} s of processor"
        )


if __name__ == "__main__":
    main()
