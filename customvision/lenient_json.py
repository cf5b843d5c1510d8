"""JSON as the service's own reader takes it, which is Newtonsoft's Json.NET: more than the standard allows.

Single quotes, names without quotes, comments, a comma behind the last value, UTF-16; all of it is in JSON5.
"""

import json

import pyjson5

MOST_BYTES = 16 * 1024 * 1024
"""That are read so: what is longer, an SDK has written, and its JSON is strict."""
_DEEPEST = 64
"""Lists and objects in one another; no operation reads more than five."""


def to_strict(content: bytes | bytearray) -> bytes | None:
    """Return the same value in strict JSON, or None where it is no JSON of any kind."""
    if len(content) > MOST_BYTES:
        return None
    try:
        text = content.decode(json.detect_encoding(content))
        return json.dumps(pyjson5.decode(text, _DEEPEST)).encode()
    except (pyjson5.Json5Exception, ValueError):  # ValueError: bytes that are no text, a number of 4300 digits
        return None
