"""The measures of a BMP file; the format carries no metadata worth removing."""

from engine.images import exif, refusals
from engine.images.outline import Outline

NAME = "BMP"
_RLE8, _RLE4 = 1, 2


def read(content: bytes) -> Outline:
    if len(content) < 26:
        raise refusals.truncated(NAME)
    return Outline(*_size(content), exif.UPRIGHT, _bytes_per_pixel(content), content)


def _size(content: bytes) -> tuple[int, int]:
    """Return (width, height); a height stored as negative means rows from the top."""
    if int.from_bytes(content[14:18], "little") < 40:
        return int.from_bytes(content[18:20], "little"), int.from_bytes(content[20:22], "little")
    width = int.from_bytes(content[18:22], "little")
    return width, abs(int.from_bytes(content[22:26], "little", signed=True))


def _bytes_per_pixel(content: bytes) -> int:
    """Return what a decoded pixel takes; run lengths count as 16: Pillow reads them in Python."""
    if int.from_bytes(content[14:18], "little") < 40:
        return 1 if int.from_bytes(content[24:26], "little") <= 8 else 4
    if int.from_bytes(content[30:34], "little") in (_RLE8, _RLE4):
        return 16
    return 1 if int.from_bytes(content[28:30], "little") <= 8 else 4
