"""A BMP loses what lies between and behind its parts, and keeps each pixel."""

import io
import struct
from collections.abc import Callable

import pytest
from PIL import Image

from engine import images
from tests.crafted import SIZE, bmp_of_runs, picture, saved

SECRET = b"taken at home by Anne"
PROFILE_AT, PROFILE_BYTES = 126, 12


def stripped(content: bytes) -> bytes:
    return images.admit(content, limits=images.PREDICTION).content


def pixels(content: bytes) -> bytes:
    return Image.open(io.BytesIO(content)).convert("RGB").tobytes()


def with_gap(content: bytes, gap: bytes) -> bytes:
    """Return the BMP with bytes between its palette and its pixels."""
    start = int.from_bytes(content[10:14], "little")
    return content[:10] + (start + len(gap)).to_bytes(4, "little") + content[14:start] + gap + content[start:]


def with_profile(kind: bytes, profile: bytes) -> bytes:
    """Return a BMP of version 5 with a profile behind its pixels."""
    width, height = SIZE
    data = picture().tobytes("raw", "BGR", 0, -1)
    info = struct.pack("<IiiHHIIiiII", 124, width, height, 1, 24, 0, len(data), 0, 0, 0, 0)
    info += bytes(16) + kind + bytes(48) + struct.pack("<IIII", 4, 124 + len(data), len(profile), 0)
    start = 14 + len(info)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + info + data + profile


@pytest.mark.parametrize("mode", ["RGB", "P", "L", "1", "RGBA"])
def test_plain_file_stays_byte_for_byte(mode: str) -> None:
    content = saved(picture(mode="RGB").convert(mode), "BMP")

    assert stripped(content) == content


@pytest.mark.parametrize("mode", ["RGB", "P", "L", "1"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content + SECRET,
        lambda content: with_gap(content, SECRET),
        lambda content: content[:6] + SECRET[:4] + content[10:],
    ],
    ids=["behind", "between", "reserved"],
)
def test_what_is_hidden_goes_and_pixels_stay(mode: str, spoil: Callable[[bytes], bytes]) -> None:
    content = saved(picture(mode="RGB").convert(mode), "BMP")
    spoilt = spoil(content)

    clean = stripped(spoilt)

    assert SECRET[:4] in spoilt
    assert SECRET[:4] not in clean
    assert pixels(clean) == pixels(content)
    assert stripped(clean) == clean


@pytest.mark.parametrize("bits", [4, 8])
def test_runs_end_where_their_end_is_marked(bits: int) -> None:
    content = bmp_of_runs((40, 3), bits=bits)
    given = b"\x00\x05" + (b"\1" * 6 if bits == 8 else b"\x11" * 4)  # five pixels, one by one
    rows = given + b"\x23\x01\x00\x00" + b"\x28\x01\x00\x00" + b"\x00\x02\x28\x00"
    ended = bmp_of_runs((40, 3), bits=bits, body=rows + b"\x00\x01")

    for whole in (content, ended):
        assert stripped(whole) == whole
        assert stripped(whole + SECRET) == whole
        assert pixels(stripped(whole + SECRET)) == pixels(whole)


@pytest.mark.parametrize("kind", [b"DEBM", b"KNIL"])
def test_profile_goes_with_what_leads_to_it(kind: bytes) -> None:
    content = with_profile(kind, SECRET)

    clean = stripped(content)

    assert SECRET not in clean
    assert clean[70:74] == b"BGRs"
    assert clean[PROFILE_AT : PROFILE_AT + PROFILE_BYTES] == bytes(PROFILE_BYTES)
    assert pixels(clean) == pixels(content)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "BMP"])
def test_no_format_keeps_what_follows_its_end(format: str) -> None:
    content = saved(picture(), format)

    clean = stripped(content + SECRET)

    assert SECRET not in clean
    assert pixels(clean) == pixels(content)
