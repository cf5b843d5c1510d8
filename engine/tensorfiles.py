"""Arrays with a JSON value that says what they are, as a safetensors file."""

import json
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors import numpy as tensors

_PREFIX_BYTES = 8
UNREADABLE = (SafetensorError, ValueError, TypeError, LookupError, AttributeError, OverflowError, MemoryError)
"""What `loads`, and looking into what it returned, may raise on a file that is none of ours."""


def dumps(arrays: Mapping[str, NDArray[Any]], *, name: str, about: Mapping[str, Any]) -> bytes:
    """Return the file; the same arrays, all contiguous, and the same value give the same bytes."""
    # One entry only: safetensors writes several in no fixed order.
    return tensors.save(dict(arrays), {name: json.dumps(about, ensure_ascii=False, sort_keys=True)})


def loads(content: bytes, *, name: str) -> tuple[dict[str, NDArray[Any]], Any]:
    """Return the arrays and the value that `dumps` wrote under that name; raise one of UNREADABLE for anything else."""
    # First, as it checks the file's every length.
    arrays = tensors.load(content)
    length = int.from_bytes(content[:_PREFIX_BYTES], "little")
    header = json.loads(content[_PREFIX_BYTES : _PREFIX_BYTES + length])
    return arrays, json.loads(header["__metadata__"][name])
