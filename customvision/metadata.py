"""Pairs of text on images: what they may be, and the expressions that find images by them."""

import re
from collections.abc import Mapping
from functools import reduce
from operator import or_

from django.db.models import Q

from customvision.errors import ApiError

MOST_KEY = 128
MOST_VALUE = 256
"""Characters."""
_MOST_COMPARISONS = 20
_PREFIX = re.compile(r"\s*metadata\s*=", re.IGNORECASE)
_TOKEN = re.compile(r"\s*(?:'((?:[^']|'')*)'|([^\s'()]+))")
_ACCEPTED = "metadata=key1 eq 'value1' and key2 ne 'value2' is accepted, with eq, ne, and, or"


def check_metadata(given: Mapping[str, str]) -> None:
    """Raise ApiError for pairs that no image may have."""
    for key, value in given.items():
        if not 0 < len(key) <= MOST_KEY or "\0" in key:
            sentence = f"The key {key[:40]!r} has {len(key)} characters; 1 to {MOST_KEY} are accepted, and no NUL."
            raise ApiError("BadRequestImageMetadataKey", sentence)
        if len(value) > MOST_VALUE or "\0" in value:
            sentence = f"The value of {key!r} has {len(value)} characters; {MOST_VALUE} are accepted, and no NUL."
            raise ApiError("BadRequestImageMetadataValue", sentence)


def condition(expression: str) -> Q:
    """Return what that expression says of an image's metadata; `and` binds closer than `or`. Raises ApiError.

    An image without the key is like one that has another value.
    """
    words = iter(["or", *_tokens(expression)])
    alternatives: list[Q] = []
    for joint, key, compare, value in zip(words, words, words, words, strict=True):
        known = Q(metadata__contains={key: value})
        met = {"eq": known, "ne": ~known}.get(compare.lower())
        if met is None or joint.lower() not in {"and", "or"}:
            raise _unreadable(expression)
        if joint.lower() == "or":
            alternatives.append(met)
        else:
            alternatives[-1] &= met
    return reduce(or_, alternatives)


def _tokens(expression: str) -> list[str]:
    """Return the words and quoted texts, in which two quotes stand for one: key, eq, value, and, key, …"""
    place = match.end() if (match := _PREFIX.match(expression)) else 0
    end = len(expression.rstrip())
    tokens: list[str] = []
    while place < end:
        match = _TOKEN.match(expression, place)
        if match is None:
            raise _unreadable(expression)
        tokens.append(match[2] if match[1] is None else match[1].replace("''", "'"))
        place = match.end()
    if len(tokens) % 4 != 3 or len(tokens) > 4 * _MOST_COMPARISONS or "\0" in expression:
        raise _unreadable(expression)
    return tokens


def _unreadable(expression: str) -> ApiError:
    sentence = f"The filter {expression[:200]!r} cannot be read; {_ACCEPTED}, {_MOST_COMPARISONS} comparisons at most."
    return ApiError("BadRequest", sentence)
