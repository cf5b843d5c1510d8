"""Addresses as the service takes them: in any case, with any number of slashes."""

import re

from django.http import HttpRequest

_OURS = re.compile(r"/+customvision/", re.IGNORECASE)
_PUBLISH_NAME = re.compile(r"(/(?:classify|detect)/iterations/)(.*?)(/(?:image|url)(?:/nostore)?/?)$", re.IGNORECASE)


def canonical_path(path: str) -> str:
    """Return the path under which urls.py knows it; publish names keep their case, other paths everything.

    path: decoded, as in PATH_INFO.
    """
    if not _OURS.match(path):
        return path
    if found := _PUBLISH_NAME.search(path):
        return _plain(path[: found.start()] + found[1]) + found[2] + _plain(found[3])
    return _plain(path)


def has_tag_types(request: HttpRequest) -> bool:
    """Say whether the version of the API that the request names tells the type of a tag in answers to pictures."""
    return not request.path_info.startswith("/customvision/v3.0/")


def _plain(part: str) -> str:
    return re.sub("/+", "/", part.lower())
