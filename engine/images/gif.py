"""GIF files as a row of blocks (GIF89a), read and rewritten without touching the pixels."""

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from engine.images import exif, refusals
from engine.images.outline import Outline

NAME = "GIF"
_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_MOST_BLOCKS = 65_536
_PLAIN_TEXT, _CONTROL, _APPLICATION = 0x01, 0xF9, 0xFF
_BYTES_PER_PIXEL = 2
"""A decoded pixel takes its number in the palette, and as much again for the frame before it."""
_KEPT_APPLICATIONS = frozenset((b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012"))


class Block(NamedTuple):
    introducer: int
    label: int
    """Which extension; 0 for an image."""
    whole: bytes


def read(content: bytes) -> Outline:
    """Refuse a file that was cut inside a block or holds no image.

    Without comments, plain text and application data it keeps colours, timing and pixels.
    """
    blocks = list(_blocks(content))
    stripped = content[: _end_of_screen(content)] + b"".join(_without_metadata(blocks)) + bytes((_TRAILER,))
    return Outline(*_size(content, blocks), exif.UPRIGHT, _BYTES_PER_PIXEL, stripped)


def still(content: bytes) -> bytes:
    """Return the first image: no text, no animation."""
    blocks = _first_image(_blocks(content))
    return content[: _end_of_screen(content)] + b"".join(block.whole for block in blocks) + bytes((_TRAILER,))


def _size(content: bytes, blocks: Iterable[Block]) -> tuple[int, int]:
    """Return (width, height) of the logical screen, which grows to hold the first image, as in browsers."""
    *_, image = _first_image(blocks)
    left, top, width, height = struct.unpack_from("<4H", image.whole, 1)
    screen = struct.unpack_from("<2H", content, 6)
    return max(screen[0], left + width), max(screen[1], top + height)


def _first_image(blocks: Iterable[Block]) -> list[Block]:
    """Return the first image, after its control if it has one."""
    control: list[Block] = []
    for block in blocks:
        if block.introducer == _IMAGE:
            return [*control, block]
        if block.label in (_CONTROL, _PLAIN_TEXT):
            control = [block] if block.label == _CONTROL else []
    raise refusals.truncated(NAME)


def _without_metadata(blocks: Iterable[Block]) -> Iterator[bytes]:
    control = b""
    for block in blocks:
        if block.introducer == _IMAGE:
            yield control + block.whole
            control = b""
        elif block.label == _CONTROL:
            control = block.whole
        elif block.label == _PLAIN_TEXT:
            control = b""  # it was the text's
        elif block.label == _APPLICATION and block.whole[3:14] in _KEPT_APPLICATIONS:
            yield block.whole


def _blocks(content: bytes) -> Iterator[Block]:
    """Give the blocks up to the trailer; a missing trailer is forgiven, as browsers do."""
    position = _end_of_screen(content)
    for _ in range(_MOST_BLOCKS):
        if position >= len(content) or content[position] == _TRAILER:
            return
        end, label = _end_of_block(content, position)
        if end > len(content):
            raise refusals.truncated(NAME)
        yield Block(content[position], label, content[position:end])
        position = end
    raise refusals.damaged(NAME)


def _end_of_screen(content: bytes) -> int:
    if len(content) < 13:
        raise refusals.truncated(NAME)
    return 13 + _colour_table_size(content[10])


def _end_of_block(content: bytes, position: int) -> tuple[int, int]:
    """Return where the block ends, beyond the file when it was cut, and its label."""
    if content[position] == _EXTENSION and position + 1 < len(content):
        return _end_of_subblocks(content, position + 2), content[position + 1]
    if content[position] == _IMAGE and position + 10 < len(content):
        return _end_of_subblocks(content, position + 11 + _colour_table_size(content[position + 9])), 0
    if content[position] in (_EXTENSION, _IMAGE):
        raise refusals.truncated(NAME)
    raise refusals.damaged(NAME)


def _end_of_subblocks(content: bytes, position: int) -> int:
    while position < len(content) and content[position]:
        position += 1 + content[position]
    return position + 1


def _colour_table_size(packed: int) -> int:
    return 3 << (packed & 7) + 1 if packed & 0x80 else 0
