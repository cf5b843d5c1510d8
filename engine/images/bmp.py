"""BMP files: header, palette and rows of pixels, read and rewritten without touching the pixels."""

import re
from typing import NamedTuple

from engine.images import exif, refusals
from engine.images.outline import Outline

NAME = "BMP"
_INFO_HEADER, _V5_HEADER = 40, 124  # bytes
_RLE8, _RLE4, _BITFIELDS = 1, 2, 3
_PROFILES, _SRGB = (b"DEBM", b"KNIL"), b"BGRs"
"""A profile that is embedded, and one that a path names; what stands in their place."""
_RUNS = re.compile(rb"(?:[^\x00].|\x00\x00|\x00\x02..)*+", re.DOTALL)
"""Runs, ends of lines and leaps, up to the end of the picture or to pixels that are given one by one."""
_END_OF_PICTURE = b"\x00\x01"


class Header(NamedTuple):
    """What the header says of the pixels."""

    size: int
    """Bytes, without the 14 before it."""
    width: int
    height: int
    bits: int
    """Of a pixel."""
    compression: int
    data_size: int
    """Bytes of the pixels; 0 where it is not said."""
    palette_size: int
    """Bytes."""

    @property
    def is_in_runs(self) -> bool:
        return self.compression in (_RLE8, _RLE4)

    @property
    def end(self) -> int:
        """Where in the file header, masks and palette end."""
        masks = 12 if self.compression == _BITFIELDS and self.size == _INFO_HEADER else 0
        return 14 + self.size + masks + self.palette_size


def read(content: bytes) -> Outline:
    """Give the measures. Without what lies between palette and pixels and behind them, it keeps colours and pixels."""
    if len(content) < 26:
        raise refusals.truncated(NAME)
    header = _header(content)
    return Outline(header.width, header.height, exif.UPRIGHT, _bytes_per_pixel(header), _stripped(content, header))


def _header(content: bytes) -> Header:
    """Read the header; a height stored as negative means rows from the top."""
    size = _number(content, 14)
    if size < _INFO_HEADER:
        bits = _number(content, 24, length=2)
        palette_size = 3 << bits if bits <= 8 else 0
        width, height = _number(content, 18, length=2), _number(content, 20, length=2)
        return Header(size, width, height, bits, 0, 0, palette_size)
    height = abs(int.from_bytes(content[22:26], "little", signed=True))
    bits = _number(content, 28, length=2)
    palette_size = 4 * (_number(content, 46) or 1 << bits) if bits <= 8 else 0
    compression, data_size = _number(content, 30), _number(content, 34)
    return Header(size, _number(content, 18), height, bits, compression, data_size, palette_size)


def _number(content: bytes, position: int, *, length: int = 4) -> int:
    return int.from_bytes(content[position : position + length], "little")


def _bytes_per_pixel(header: Header) -> int:
    """Return what a decoded pixel takes; run lengths count as 16: Pillow reads them in Python."""
    if header.is_in_runs:
        return 16
    return 1 if header.bits <= 8 else 4


def _stripped(content: bytes, header: Header) -> bytes:
    """Return the file with each part where it was, and nothing between and behind them."""
    start = _number(content, 10) or header.end
    if start == 14 + header.size:  # the palette is forgotten, which Pillow forgives
        start += header.palette_size
    head = content[: min(header.end, start)]
    gap = bytes(max(0, min(start, len(content)) - len(head)))
    bare = bytearray(head + gap + content[start : _end_of_pixels(content, start, header)])
    bare[2:10] = len(bare).to_bytes(4, "little") + bytes(4)
    if header.size == _V5_HEADER and len(head) >= 14 + _V5_HEADER:
        bare[70:74] = _SRGB if bare[70:74] in _PROFILES else bare[70:74]
        bare[126:138] = bytes(12)  # where the profile was
    return bytes(bare)


def _end_of_pixels(content: bytes, start: int, header: Header) -> int:
    if not header.is_in_runs:
        return start + (header.width * header.bits + 31) // 32 * 4 * header.height
    position = start
    while runs := _RUNS.match(content, position):
        position, code = runs.end(), content[runs.end() : runs.end() + 2]
        if len(code) < 2:  # no end is marked
            break
        if code == _END_OF_PICTURE:
            return position + 2
        given = code[1] if header.compression == _RLE8 else (code[1] + 1) // 2
        position += 2 + given + given % 2
    return start + header.data_size
