"""Hold answers against what the service was recorded to answer."""

import re
from typing import Any

NAIVE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}")
"""A moment as images and their tags have it."""


def keys(value: Any) -> Any:
    """Return the names of all fields, and what is null, without any other value."""
    if isinstance(value, dict):
        return {name: keys(each) for name, each in value.items()}
    if isinstance(value, list):
        return [keys(each) for each in value[:1]]
    return None if value is None else type(value).__name__
