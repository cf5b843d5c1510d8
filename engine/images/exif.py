"""The one thing that we read and write in EXIF: which way up the picture is."""

import struct

UPRIGHT = 1
_ORIENTATION = 0x0112
_SHORT = 3
_ORDERS = {b"II*\x00": "<", b"MM\x00*": ">"}


def orientation(tiff: bytes) -> int:
    """Return the orientation, 1 to 8, from EXIF data without its "Exif" prefix; 1 when malformed or not said.

    Numbers as in EXIF 2.32, section 4.6.4, tag 0x0112: 1 is upright, 6 must be turned a quarter clockwise.
    """
    order = _ORDERS.get(tiff[:4])
    if order is None:
        return UPRIGHT
    try:
        return _in_first_directory(tiff, order=order)
    except struct.error:
        return UPRIGHT


def _in_first_directory(tiff: bytes, *, order: str) -> int:
    (start,) = struct.unpack_from(order + "I", tiff, 4)
    (count,) = struct.unpack_from(order + "H", tiff, start)
    for index in range(count):
        tag, kind, number, value = struct.unpack_from(order + "HHIH", tiff, start + 2 + 12 * index)
        if tag == _ORIENTATION:
            return value if kind == _SHORT and number == 1 and UPRIGHT < value <= 8 else UPRIGHT
    return UPRIGHT


def minimal(value: int) -> bytes:
    """Return EXIF data that says the orientation and nothing else: 26 bytes."""
    return struct.pack(">4sIHHHIHHI", b"MM\x00*", 8, 1, _ORIENTATION, _SHORT, 1, value, 0, 0)
