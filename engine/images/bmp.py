"""The size of a BMP file; the format carries no metadata worth removing."""

from engine.images import refusals

NAME = "BMP"


def size(content: bytes) -> tuple[int, int]:
    """Return (width, height) in pixels; a height stored as negative means rows from the top."""
    if len(content) < 26:
        raise refusals.truncated(NAME)
    if int.from_bytes(content[14:18], "little") < 40:
        return int.from_bytes(content[18:20], "little"), int.from_bytes(content[20:22], "little")
    width = int.from_bytes(content[18:22], "little")
    return width, abs(int.from_bytes(content[22:26], "little", signed=True))
