"""A JPEG without its end is judged by its pixels: whole, it comes in with an end; cut, it does not."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from engine import images
from engine.exceptions import RefusalReason, RefusedPicture
from tests.crafted import picture, saved, segment

SIZE = (150, 90)
KINDS: dict[str, Callable[[], bytes]] = {
    "baseline": lambda: saved(picture(SIZE)),
    "full colour": lambda: saved(picture(SIZE), subsampling=0),
    "progressive": lambda: saved(picture(SIZE), progressive=True),
    "grey": lambda: saved(picture(SIZE, "L")),
    "grey, progressive": lambda: saved(picture(SIZE, "L"), progressive=True),
    "CMYK": lambda: saved(picture(SIZE, "CMYK")),
    "with restarts": lambda: saved(picture(SIZE), restart_marker_blocks=2),
}
END = b"\xff\xd9"
BEHIND: dict[str, bytes] = {
    "nothing": b"",
    "half a marker": b"\xff",
    "eight bytes": bytes(range(8)),
    "padding": bytes(5_000),
    "a phone's trailer": b"SEFH\x66\x00\x00\x00image_utc_data1700000000000" * 40 + b"\xff\x03\xff\x77SEFT",
    "a segment beyond the file": b"\xff\xe5\xff\xffabc",
    "another picture": b"MotionPhoto_Data" + saved(picture((16, 16))),
}


def admitted(content: bytes) -> images.AdmittedPicture:
    return images.admit(content, limits=images.TRAINING)


def pixels(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("RGB"), dtype=np.int16)


def is_alike(content: bytes, other: bytes) -> bool:
    """Say whether the pixels are the same but for having been written once more."""
    difference = np.abs(pixels(content) - pixels(other))
    return bool(difference.mean() < 1 and difference.max() < 16)


@pytest.mark.parametrize("behind", BEHIND)
@pytest.mark.parametrize("kind", KINDS)
def test_whole_picture_without_its_end_gets_one(kind: str, behind: str) -> None:
    whole = KINDS[kind]()

    found = admitted(whole.removesuffix(END) + BEHIND[behind])

    assert (found.width, found.height) == SIZE
    assert found.content.endswith(END)
    assert is_alike(found.content, whole)
    assert b"image_utc_data" not in found.content
    assert b"MotionPhoto" not in found.content
    assert admitted(found.content).content == found.content
    assert images.decode(found, shorter_side=32).mode == "RGB"


@pytest.mark.parametrize(
    "filling", [b"", bytes(500), b"\xff" * 500, b"\xff\x03" * 20], ids=["nothing", "zeros", "FF", "markers"]
)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.4, 0.6, 0.8, 0.95])
def test_picture_that_is_cut_is_refused(kind: str, share: float, filling: bytes) -> None:
    whole = KINDS[kind]()
    start = whole.index(b"\xff\xda")
    cut = whole[: start + int(share * (len(whole) - start))]

    with pytest.raises(RefusedPicture) as caught:
        admitted(cut + filling)

    assert caught.value.reason == RefusalReason.TRUNCATED


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_in_lacks_no_pixel(kind: str) -> None:
    """However few bytes are missing."""
    whole = KINDS[kind]()
    for missing in range(1, 60):
        try:
            found = admitted(whole[:-missing])
        except RefusedPicture as refusal:
            assert refusal.reason == RefusalReason.TRUNCATED, missing  # noqa: PT017  # or it is admitted
        else:
            assert is_alike(found.content, whole), missing


@pytest.mark.parametrize("kind", ["progressive", "grey, progressive"])
def test_progressive_picture_cut_between_its_scans_is_refused(kind: str) -> None:
    whole = KINDS[kind]()
    starts = [place for place in range(len(whole)) if whole[place : place + 2] == b"\xff\xda"][1:]
    assert len(starts) > 3
    for place in starts:
        tables = whole.rfind(b"\xff\xc4", 0, place)
        with pytest.raises(RefusedPicture):
            admitted(whole[:tables])


def test_orientation_and_profile_stay_and_metadata_go() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a maker"
    whole = saved(picture(SIZE), exif=exif, icc_profile=b"\x00" * 200)

    found = admitted(whole.removesuffix(END) + b"a maker's trailer")

    assert (found.width, found.height, found.orientation) == (SIZE[1], SIZE[0], 6)
    assert b"ICC_PROFILE" in found.content
    assert b"maker" not in found.content


def test_large_picture_without_its_end_is_held_against_the_limits_first() -> None:
    """At full size it takes four bytes a pixel, and is never decoded where that is too much."""
    whole = saved(Image.new("L", (10_000, 8_000)))

    assert admitted(whole).width == 10_000
    with pytest.raises(RefusedPicture) as caught:
        admitted(whole.removesuffix(END))

    assert caught.value.reason == RefusalReason.DECOMPRESSION_BOMB


def test_comment_behind_the_picture_ends_it() -> None:
    whole = KINDS["baseline"]()

    assert is_alike(admitted(whole.removesuffix(END) + segment(0xFE, b"a comment")).content, whole)


@pytest.mark.parametrize("filling", [b"", bytes(60)], ids=["nothing", "zeros"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if "progressive" not in kind])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.8, 0.9])
def test_picture_that_is_cut_before_its_end_marker_is_refused(kind: str, share: float, filling: bytes) -> None:
    whole = KINDS[kind]()
    start = whole.index(b"\xff\xda")
    cut = whole[: start + int(share * (len(whole) - start))]

    with pytest.raises(RefusedPicture) as caught:
        images.decode(admitted(cut + filling + END), shorter_side=16)

    assert caught.value.reason == RefusalReason.TRUNCATED


def drawn(mode: str, *, background: int, progressive: bool = False) -> bytes:
    """Return a dark square on one grey; the tables are made for it, and give its pixels bits of zero."""
    image = Image.new(mode, SIZE, (background,) * len(mode) if len(mode) > 1 else background)
    image.paste((40,) * len(mode) if len(mode) > 1 else 40, (10, 10, 60, 40))
    return saved(image, optimize=True, progressive=progressive)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("background", [0, 127, 128, 255])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_flat_picture_is_whole_with_its_end_and_without(mode: str, background: int, progressive: bool) -> None:
    """Grey is what a missing pixel looks like, and zeros are what disks pad with."""
    whole = drawn(mode, background=background, progressive=progressive)
    for content in (whole, whole.removesuffix(END)):
        found = admitted(content)

        assert is_alike(found.content, whole)
        assert images.decode(found, shorter_side=16).mode == "RGB"
