"""Compare answers with what the service was recorded to answer: see the files in recorded/.

A shape is an object of shapes, in which a key that ends in ? may be missing and * is any key; a list of the one shape
of its items; or words with | between them, such as "null|utc", where @Name is that model.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).parent / "recorded"
MODELS: dict[str, Any] = json.loads((RECORDED / "models.json").read_text())
ANSWERS: dict[str, Any] = json.loads((RECORDED / "answers.json").read_text())
"""Of operations, by the names that they have in Python."""

_TEXTS = {
    "text": re.compile(".*", re.DOTALL),
    "uuid": re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "utc": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,3}Z"),
    "naive": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}"),
    "uri": re.compile(r"https?://[^\s]+"),
}
_TYPES: dict[str, tuple[type, ...]] = {"int": (int,), "number": (int, float), "bool": (bool,), "null": (type(None),)}


def differences(value: Any, shape: Any, where: str = "answer") -> Iterator[str]:
    """Say where the value is not of that shape."""
    if isinstance(shape, str):
        yield from _of_words(value, shape, where)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{where} is {value!r}, and no list"
            return
        for number, each in enumerate(value):
            yield from differences(each, shape[0], f"{where}[{number}]")
    elif not isinstance(value, dict):
        yield f"{where} is {value!r}, and no object"
    else:
        yield from _of_keys(value, shape, where)


def _of_words(value: Any, words: str, where: str) -> Iterator[str]:
    found = [list(_of_word(value, word, where)) for word in words.split("|")]
    if all(found):
        yield from found[-1]


def _of_word(value: Any, word: str, where: str) -> Iterator[str]:
    if word.startswith("@"):
        yield from differences(value, MODELS[word[1:]], where)
    elif word in _TEXTS:
        if not isinstance(value, str) or not _TEXTS[word].fullmatch(value):
            yield f"{where} is {value!r}, and no {word}"
    elif type(value) not in _TYPES[word]:
        yield f"{where} is {value!r}, and no {word}"


def _of_keys(value: dict[str, Any], shape: dict[str, Any], where: str) -> Iterator[str]:
    known = {key.rstrip("?"): each for key, each in shape.items()}
    if missing := [key for key in shape if key not in value and not key.endswith("?") and key != "*"]:
        yield f"{where} has no {missing}"
    for key, each in value.items():
        if key in known or "*" in known:
            yield from differences(each, known.get(key, known.get("*")), f"{where}.{key}")
        else:
            yield f"{where} has {key}, which the service does not send"
