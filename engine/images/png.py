"""PNG files as a row of chunks (W3C PNG, third edition), read and rewritten without touching the pixels."""

import zlib
from collections.abc import Iterator
from typing import NamedTuple

from engine.images import exif, refusals

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
_GREY, _PALETTE = 0, 3
_ANIMATION = frozenset((b"acTL", b"fcTL", b"fdAT"))


class Chunk(NamedTuple):
    kind: bytes
    data: bytes
    whole: bytes
    """Length, kind, data and check sum, as they stand in the file."""


def chunks(content: bytes) -> Iterator[Chunk]:
    """Give the chunks from IHDR to IEND; raise RefusedPicture when the file ends before that or begins otherwise."""
    position = len(_SIGNATURE)
    for _ in range(_MOST_CHUNKS):
        end = position + 12 + int.from_bytes(content[position : position + 4], "big")
        if position + 12 > len(content) or end > len(content):
            raise refusals.truncated(NAME)
        kind = content[position + 4 : position + 8]
        if not kind.isalpha() or (kind == b"IHDR") != (position == len(_SIGNATURE)):
            raise refusals.damaged(NAME)
        yield Chunk(kind, content[position + 8 : end - 4], content[position:end])
        if kind == b"IEND":
            return
        position = end
    raise refusals.damaged(NAME)


def size(content: bytes) -> tuple[int, int]:
    """Return (width, height) in pixels as stored, before the orientation."""
    header = _header(content)
    return int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")


def bytes_per_pixel(content: bytes) -> int:
    """Return what a decoded pixel takes: colours always take four bytes, whatever their depth."""
    depth, colours = _header(content)[8:10]
    if colours == _GREY and depth == 16:
        return 2
    return 1 if colours in (_GREY, _PALETTE) else 4


def _header(content: bytes) -> bytes:
    header = next(chunks(content)).data
    if len(header) != 13:
        raise refusals.damaged(NAME)
    return header


def orientation(content: bytes) -> int:
    """Return 1 to 8; reads the chunks to the last, so that a file that was cut is refused here."""
    found = [exif.orientation(chunk.data) for chunk in chunks(content) if chunk.kind == b"eXIf"]
    return found[0] if found else exif.UPRIGHT


def bare(content: bytes) -> bytes:
    """Return the still picture for a decoder: no text, no EXIF, no animation."""
    return _SIGNATURE + b"".join(chunk.whole for chunk in chunks(content) if chunk.kind in _STILL)


def stripped(content: bytes) -> bytes:
    """Return the file without metadata: orientation, colour, transparency, animation and pixels stay as they are."""
    turned = orientation(content)
    kept = [chunk.whole for chunk in chunks(content) if chunk.kind in _STILL | _ANIMATION]
    if turned != exif.UPRIGHT:
        kept.insert(1, _written(b"eXIf", exif.minimal(turned)))
    return _SIGNATURE + b"".join(kept)


def _written(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
