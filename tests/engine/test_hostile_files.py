"""Hostile and odd files, one by one: the sentence, or the right picture, within bounded memory."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from math import isqrt
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine import images
from engine.exceptions import RefusedPicture
from engine.images import exif
from engine.images.limits import MAX_DECODED_BYTES, MAX_PIXELS
from tests.crafted import (
    SRGB,
    after_soi,
    bmp_of_runs,
    chunk,
    many_scans,
    one_colour,
    picture,
    png,
    saved,
    segment,
)
from tests.hostile import CASES, Case


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_file_is_accepted_or_refused_for_its_reason(case: Case) -> None:
    content = case.make()

    if case.reason is not None:
        with pytest.raises(RefusedPicture) as caught:
            images.decode(images.admit(content, limits=images.PREDICTION), shorter_side=16)
        assert caught.value.reason == case.reason
        assert str(caught.value).endswith(".")
        return
    admitted = images.admit(content, limits=images.PREDICTION)
    for each in (admitted, images.admit(admitted.content, limits=images.PREDICTION)):
        decoded = images.decode(each, shorter_side=16)
        assert (each.width, each.height) == case.size
        assert decoded.mode == "RGB"
        # At a reduced scale, half a pixel more or less.
        assert decoded.width / decoded.height == pytest.approx(case.size[0] / case.size[1], rel=0.1)


MEASURE = """
import sys
from engine import images
from tests.crafted import one_colour

def kilobytes(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(name))

def act(content):
    images.decode(images.admit(content, limits=images.TRAINING), shorter_side=512)

content = open(sys.argv[1], "rb").read()
for format in ("JPEG", "PNG"):
    act(one_colour((64, 64), format))
with open("/proc/self/clear_refs", "w") as peak:
    peak.write("5")
resting = kilobytes("VmRSS")
act(content)
print(1024 * (kilobytes("VmHWM") - resting))
"""


def largest(bytes_per_pixel: int) -> tuple[int, int]:
    """Return the sides of the largest square that is accepted."""
    side = isqrt(min(MAX_PIXELS, MAX_DECODED_BYTES // bytes_per_pixel))
    return side, side


def padded(content: bytes) -> bytes:
    return content + bytes(images.PREDICTION.max_bytes - len(content))


TURNED = exif.minimal(6)
HEAVY: dict[str, Callable[[], bytes]] = {
    "interlaced PNG of 16 bits with alpha": lambda: png(largest(4), depth=16, colours=6, interlaced=True),
    "PNG with a transparent colour": lambda: png(largest(4), extra=chunk(b"tRNS", bytes(6))),
    "PNG in grey of 16 bits": lambda: png(largest(2), depth=16, colours=0),
    "PNG in a transparent palette": lambda: png(largest(1), colours=3, extra=chunk(b"tRNS", bytes(256))),
    "turned PNG that is hardly reduced": lambda: png((10_240, 2047), depth=16, colours=6, extra=chunk(b"eXIf", TURNED)),
    "GIF": lambda: one_colour(largest(2), "GIF", "P"),
    "BMP of runs": lambda: bmp_of_runs(largest(16), bits=4),
    "CMYK JPEG with a profile": lambda: one_colour((9300, 9300), "JPEG", "CMYK", icc_profile=SRGB),
    "turned JPEG that is hardly reduced": lambda: after_soi(
        one_colour((10_240, 1023), "JPEG", "RGB"), segment(0xE1, b"Exif\x00\x00" + TURNED)
    ),
    "progressive JPEG of three colours": lambda: many_scans(largest(6), 10),
    "progressive JPEG of four colours": lambda: many_scans(largest(8), 10, components=4),
    "progressive JPEG in grey": lambda: many_scans(largest(4), 10, components=1),
    "JPEG of filling bytes": lambda: after_soi(one_colour((64, 64), "JPEG"), b"\xff" * 4_000_000),
    "GIF of crumbs": lambda: one_colour((64, 64), "GIF")[:-1] + b"!\xfe" + b"\x01a" * 2_000_000 + b"\x00;",
}


@pytest.mark.parametrize("make", HEAVY.values(), ids=HEAVY.keys())
@pytest.mark.slow
def test_heaviest_files_take_less_than_256_mb(make: Callable[[], bytes], tmp_path: Path) -> None:
    content = padded(make())
    images.admit(content, limits=images.PREDICTION)  # it is accepted
    (tmp_path / "file").write_bytes(content)

    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path / "file")],
        cwd=Path(__file__).parent.parent.parent,
        capture_output=True,
        check=True,
        timeout=120,
    )

    assert int(measured.stdout) < 256_000_000


@pytest.mark.parametrize("make", [png, partial(many_scans, scans=10), partial(one_colour, format="JPEG")])
@pytest.mark.parametrize("size", [(4000, 3000), (6000, 4000)])
def test_photos_as_cameras_make_them_are_accepted(
    make: Callable[[tuple[int, int]], bytes], size: tuple[int, int]
) -> None:
    facts = images.admit(make(size), limits=images.PREDICTION)

    assert (facts.width, facts.height) == size


def test_too_many_pixels_are_refused_with_what_is_accepted() -> None:
    with pytest.raises(RefusedPicture) as caught:
        images.admit(png((7300, 7300)), limits=images.PREDICTION)

    assert "at most 52 million pixels are accepted in a PNG file" in str(caught.value)


def test_reduced_picture_looks_the_same() -> None:
    """Bands and whole-number reduction leave no seam, at the edges neither."""
    content = saved(picture((3001, 1999)), "PNG")

    reduced = images.decode(images.admit(content, limits=images.PREDICTION), shorter_side=200)

    wanted = picture((3001, 1999)).resize(reduced.size, Image.Resampling.BOX)
    assert reduced.size == (751, 500)
    assert np.abs(np.asarray(reduced, dtype=int) - np.asarray(wanted, dtype=int)).max() <= 8
