"""GIF files as a row of blocks (GIF89a), read and rewritten without touching the pixels."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from engine.images import refusals

NAME = "GIF"
_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_MOST_BLOCKS = 65_536
_PLAIN_TEXT, _CONTROL, _APPLICATION = 0x01, 0xF9, 0xFF
_KEPT_APPLICATIONS = frozenset((b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012"))


class Block(NamedTuple):
    introducer: int
    label: int
    """Which extension; 0 for an image."""
    whole: bytes


def size(content: bytes) -> tuple[int, int]:
    """Return (width, height) in pixels of the logical screen, which grows to hold the first image, as in browsers."""
    *_, image = _first_image(content)
    left, top, width, height = struct.unpack_from("<4H", image.whole, 1)
    screen = struct.unpack_from("<2H", content, 6)
    return max(screen[0], left + width), max(screen[1], top + height)


def bytes_per_pixel() -> int:
    """Return what a decoded pixel takes: its number in the palette, and as much again for the frame before it."""
    return 2


def check_end(content: bytes) -> None:
    """Refuse a file that was cut inside a block or holds no image."""
    images = sum(block.introducer == _IMAGE for block in _blocks(content))
    if not images:
        raise refusals.truncated(NAME)


def bare(content: bytes) -> bytes:
    """Return the first image for a decoder: no text, no animation."""
    return content[: _end_of_screen(content)] + b"".join(block.whole for block in _first_image(content)) + b";"


def _first_image(content: bytes) -> list[Block]:
    """Return the first image, after its control if it has one."""
    control: list[Block] = []
    for block in _blocks(content):
        if block.introducer == _IMAGE:
            return [*control, block]
        if block.label in (_CONTROL, _PLAIN_TEXT):
            control = [block] if block.label == _CONTROL else []
    raise refusals.truncated(NAME)


def stripped(content: bytes) -> bytes:
    """Return the file without comments, plain text and application data; colours, timing and pixels stay."""
    check_end(content)
    start = _end_of_screen(content)
    return content[:start] + b"".join(_kept(_blocks(content))) + bytes((_TRAILER,))


def _kept(blocks: Iterator[Block]) -> Iterator[bytes]:
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
