"""GIF files as a row of blocks (GIF89a), read and rewritten without touching the pixels."""

from collections.abc import Iterator
from typing import NamedTuple

from engine.images import refusals

NAME = "GIF"
_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_PLAIN_TEXT, _CONTROL, _APPLICATION = 0x01, 0xF9, 0xFF
_KEPT_APPLICATIONS = frozenset((b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012"))


class Block(NamedTuple):
    introducer: int
    label: int
    """Which extension; 0 for an image."""
    whole: bytes


def size(content: bytes) -> tuple[int, int]:
    """Return (width, height) of the logical screen in pixels."""
    if len(content) < 13:
        raise refusals.truncated(NAME)
    return int.from_bytes(content[6:8], "little"), int.from_bytes(content[8:10], "little")


def check_end(content: bytes) -> None:
    """Refuse a file that was cut inside a block or holds no image."""
    if not any(block.introducer == _IMAGE for block in list(_blocks(content))):
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
    while position < len(content) and content[position] != _TRAILER:
        end, label = _end_of_block(content, position)
        if end > len(content):
            raise refusals.truncated(NAME)
        yield Block(content[position], label, content[position:end])
        position = end


def _end_of_screen(content: bytes) -> int:
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
