"""Files bent at random and by their structure: a refusal or a proper result, and nothing else.

CLASSIFR_TEST_FUZZ_EXAMPLES=100000 looks much longer, elsewhere at each run.
"""

import io
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from engine import images
from engine.exceptions import RefusedPicture
from tests.crafted import SIZE, SRGB, animated, chunk, exif, one_colour, picture, png, saved, with_exif, with_profile

EXAMPLES = int(os.environ.get("CLASSIFR_TEST_FUZZ_EXAMPLES", "0"))
fuzzed = settings(
    max_examples=EXAMPLES or 100,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
fuzzed_at_length = settings(fuzzed, max_examples=EXAMPLES or 5_000)
SECRET = b"secret place"
SEEDS = (
    saved(picture()),
    saved(picture(), progressive=True, comment=SECRET),
    saved(picture(mode="L"), restart_marker_blocks=1),
    saved(picture(mode="CMYK")),
    with_exif(exif(6) + SECRET),
    with_profile(SRGB),
    saved(picture(), "PNG"),
    png(SIZE, depth=16, colours=6, interlaced=True, extra=chunk(b"eXIf", exif(8))),
    png(SIZE, colours=3, extra=chunk(b"tRNS", bytes(256)) + chunk(b"tEXt", b"Comment\x00" + SECRET)),
    animated("PNG"),
    saved(picture(), "GIF", comment=SECRET),
    animated("GIF"),
    saved(picture(), "BMP"),
    saved(picture(mode="1"), "BMP"),
    one_colour(SIZE, "BMP", "P"),
)
MAGICS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"<svg", b"<!--")


def parts(content: bytes) -> list[bytes]:
    """Return the file in pieces where its structure has joints; joined again they are the file."""
    marks = list(_joints(content))
    return [content[start:end] for start, end in zip([0, *marks], [*marks, len(content)], strict=True)]


def _joints(content: bytes) -> Iterator[int]:
    for place in range(1, len(content) - 8):
        marker = content[place] == 0xFF and content[place + 1] >= 0xC0
        named = content[place + 4 : place + 8].isalpha() and content[:1] == b"\x89"
        block = content[place] in b"!," and content[place - 1] == 0 and content[:1] == b"G"
        if marker or named or block:
            yield place


@st.composite
def bent(draw: st.DrawFn) -> bytes:
    """Return a real file whose pieces were dropped, repeated, swapped with another file's, and whose bytes changed."""
    pieces = parts(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(pieces) - 1))
        act = draw(st.sampled_from(("drop", "repeat", "graft", "swap")))
        if act == "drop":
            pieces = [*pieces[:place], *pieces[place + 1 :]] or [b""]
        elif act == "repeat":
            pieces = pieces[:place] + [pieces[place]] * draw(st.integers(2, 20)) + pieces[place + 1 :]
        elif act == "graft":
            pieces.insert(place, draw(st.sampled_from(parts(draw(st.sampled_from(SEEDS))))))
        else:
            other = draw(st.integers(0, len(pieces) - 1))
            pieces[place], pieces[other] = pieces[other], pieces[place]
    content = bytearray(b"".join(pieces))
    for _ in range(draw(st.integers(0, 4))):
        _bend(draw, content)
    keep = draw(st.sampled_from((1.0, 1.0, 1.0, 0.99, 0.9, 0.5, 0.1)))
    return bytes(content[: int(keep * len(content))])


def _bend(draw: st.DrawFn, content: bytearray) -> None:
    """Flip a bit, or write a number that a length, a size or a count might be; in the first bytes as often as later."""
    if not content:
        return
    most = draw(st.sampled_from((len(content), min(len(content), 64)))) - 1
    place = draw(st.integers(0, most))
    if draw(st.booleans()):
        content[place] ^= 1 << draw(st.integers(0, 7))
    else:
        written = draw(
            st.sampled_from((b"\x00", b"\xff", b"\x00\x00", b"\xff\xff", b"\x7f\xff\xff\xff", bytes(4), b"\x01\x00"))
        )
        content[place : place + len(written)] = written


def result(content: bytes) -> tuple[images.AdmittedPicture, Image.Image] | None:
    """Return the picture and its pixels, or None when it is refused."""
    try:
        admitted = images.admit(content, limits=images.PREDICTION)
        decoded = images.decode(admitted, shorter_side=16)
    except RefusedPicture:
        return None
    assert decoded.mode == "RGB"
    assert min(decoded.size) <= min(admitted.width, admitted.height)
    return admitted, decoded


def stripped(content: bytes) -> bytes | None:
    try:
        return images.admit(content, limits=images.PREDICTION).content
    except RefusedPicture:
        return None


def check(content: bytes) -> bytes:
    """Hold what is promised of any bytes whatever; return what is kept of them, nothing when they are refused."""
    found, clean = result(content), stripped(content)
    if clean is not None:
        assert stripped(clean) == clean
    if found is None:
        return b""
    assert clean is not None
    (admitted, decoded), again = found, result(clean)
    assert again is not None
    assert again[1].size == decoded.size
    assert again[1].tobytes() == decoded.tobytes()
    with Image.open(io.BytesIO(images.thumbnail(admitted, side=32))) as small:
        assert max(small.size) <= 32
        assert not small.getexif()
    return clean


@fuzzed
@given(content=bent())
def test_bent_files(content: bytes) -> None:
    check(content)


@pytest.mark.slow
@fuzzed_at_length
@given(content=bent())
def test_many_bent_files(content: bytes) -> None:
    check(content)


@fuzzed
@given(start=st.sampled_from(MAGICS), rest=st.binary(max_size=400))
@example(start=b"GIF89a", rest=b"")
@example(start=b"<!--", rest=b"--><!---->" * 200)
def test_random_bytes(start: bytes, rest: bytes) -> None:
    check(start + rest)


cuts = {"place": st.floats(0, 1), "bit": st.integers(0, 7), "length": st.integers(0, 2000)}


@fuzzed
@given(content=st.sampled_from(SEEDS), **cuts)
def test_files_cut_and_flipped(content: bytes, place: float, bit: int, length: int) -> None:
    check_cut_and_flipped(content, place=place, bit=bit, length=length)


@pytest.mark.slow
@fuzzed_at_length
@given(content=st.sampled_from(SEEDS), **cuts)
def test_many_files_cut_and_flipped(content: bytes, place: float, bit: int, length: int) -> None:
    check_cut_and_flipped(content, place=place, bit=bit, length=length)


def check_cut_and_flipped(content: bytes, *, place: float, bit: int, length: int) -> None:
    """Hold that the file, one bit of it flipped, keeps no secret; nor does its beginning."""
    bent = bytearray(content)
    bent[int(place * (len(bent) - 1))] ^= 1 << bit
    for sent in (bytes(bent), bytes(bent[:length])):
        assert SECRET not in check(sent)
