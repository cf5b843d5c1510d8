"""Addresses as the service takes them: in any case, with any number of slashes, with ids in each of their forms."""

import re

from django.http import HttpRequest

PREFIX = "/customvision/"
_OURS = re.compile(r"/+customvision/", re.IGNORECASE)
_GUID = re.compile(r"(?<=/)\{?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?(?=/|$)")
"""Without dashes or in braces, as .NET's formats N and B write it."""
_PUBLISH_NAME = re.compile(r"(/(?:classify|detect)/iterations/)(.*?)(/(?:image|url)(?:/nostore)?/?)$", re.IGNORECASE)


def canonical_path(path: str) -> str:
    """Return the path under which urls.py knows it; publish names keep their case, other paths everything.

    path: decoded, as in PATH_INFO.
    """
    if not _OURS.match(path):
        return path
    if match := _PUBLISH_NAME.search(path):
        return _plain(path[: match.start()] + match[1]) + match[2] + _plain(match[3]).rstrip("/")
    plain = _plain(path)
    return plain if plain.count("/") == 2 else plain.rstrip("/")  # which is /customvision/ itself


def has_tag_types(request: HttpRequest) -> bool:
    """Say whether the version of the API that the request names tells the type of a tag in answers to pictures."""
    return not request.path_info.startswith("/customvision/v3.0/")


def _plain(part: str) -> str:
    return _GUID.sub(r"\1-\2-\3-\4-\5", re.sub("/+", "/", part.lower()))
