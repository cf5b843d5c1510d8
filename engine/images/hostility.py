"""What Pillow raises on files that mean no good, as refusals."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from engine.exceptions import RefusedPicture
from engine.images import refusals

_HOSTILE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Warning,
)
"""What Pillow has been seen to raise on malformed files, and warnings where a process makes errors of them."""


@contextmanager
def refusing(name: str) -> Iterator[None]:
    """Turn whatever Pillow raises on a hostile file of that format into a refusal."""
    try:
        yield
    except RefusedPicture:
        raise
    except _HOSTILE as error:
        refusal = refusals.truncated if "truncated" in str(error) else refusals.damaged
        raise refusal(name) from error
