"""PNG files as a row of chunks (W3C PNG, third edition), read and rewritten without touching the pixels."""

import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from engine.images import exif, refusals
from engine.images.outline import Outline

NAME = "PNG"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_STILL = frozenset(
    (
        b"IHDR",
        b"PLTE",
        b"IDAT",
        b"IEND",
        b"tRNS",
        b"cHRM",
        b"gAMA",
        b"iCCP",
        b"sBIT",
        b"sRGB",
        b"cICP",
        b"bKGD",
        b"pHYs",
    )
)
_MOST_CHUNKS = 65_536
_HEADER_BYTES = 13
_GREY, _PALETTE = 0, 3
_ANIMATION = frozenset((b"acTL", b"fcTL", b"fdAT"))


class Chunk(NamedTuple):
    kind: bytes
    whole: memoryview
    """Length, kind, data and check sum, as they stand in the file."""

    @property
    def data(self) -> bytes:
        return bytes(self.whole[8:-4])


def read(content: bytes) -> Outline:
    """Read the chunks to the last, so that a file that was cut is refused here.

    Without texts it keeps orientation, colour, transparency, animation and pixels.
    """
    chunks = list(_chunks(content))
    header = chunks[0].data
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    turned = next((exif.orientation(chunk.data) for chunk in chunks if chunk.kind == b"eXIf"), exif.UPRIGHT)
    return Outline(width, height, turned, _bytes_per_pixel(header), _stripped(chunks, turned))


def still(content: bytes) -> bytes:
    """Return the picture without EXIF and animation."""
    return b"".join((_SIGNATURE, *(chunk.whole for chunk in _chunks(content) if chunk.kind in _STILL)))


def _chunks(content: bytes) -> Iterator[Chunk]:
    """Give the chunks from IHDR to IEND; raise RefusedPicture when the file ends before that or begins otherwise."""
    view = memoryview(content)
    position = len(_SIGNATURE)
    for _ in range(_MOST_CHUNKS):
        end = position + 12 + int.from_bytes(content[position : position + 4], "big")
        if position + 12 > len(content) or end > len(content):
            raise refusals.truncated(NAME)
        kind = content[position + 4 : position + 8]
        if not kind.isalpha() or (kind == b"IHDR") != (position == len(_SIGNATURE)):
            raise refusals.damaged(NAME)
        if kind == b"IHDR" and end != position + 12 + _HEADER_BYTES:
            raise refusals.damaged(NAME)
        yield Chunk(kind, view[position:end])
        if kind == b"IEND":
            return
        position = end
    raise refusals.damaged(NAME)


def _bytes_per_pixel(header: bytes) -> int:
    """Return what a decoded pixel takes: colours always take four bytes, whatever their depth."""
    depth, colours = header[8:10]
    if colours == _GREY and depth == 16:
        return 2
    return 1 if colours in (_GREY, _PALETTE) else 4


def _stripped(chunks: Iterable[Chunk], turned: int) -> bytes:
    kept: list[bytes | memoryview] = [chunk.whole for chunk in chunks if chunk.kind in _STILL | _ANIMATION]
    if turned != exif.UPRIGHT:
        kept.insert(1, _written(b"eXIf", exif.minimal(turned)))
    return b"".join((_SIGNATURE, *kept))


def _written(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
