"""Programs to copy from the page; tests run them as they stand there."""

import json
from dataclasses import dataclass
from urllib.parse import quote

from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

KEY = "YOUR_KEY"
"""What stands in the place of the key."""


@dataclass(frozen=True)
class Target:
    """What the examples are about."""

    endpoint: str
    """This server's address, with a slash at its end."""
    project_id: str
    publish_name: str


@dataclass(frozen=True)
class Example:
    """One program."""

    name: str
    """Of its template, and its id on the page."""
    title: str | Promise
    text: str


_EXAMPLES = {
    "python": gettext_lazy("Python: classify a photo"),
    "python-train": gettext_lazy("Python: upload, train and publish"),
    "curl": gettext_lazy("curl: classify a file"),
    "curl-url": gettext_lazy("curl: classify a photo by its address"),
    "csharp": gettext_lazy("C#: classify a photo"),
    "javascript": gettext_lazy("JavaScript: classify a photo"),
}


def examples(target: Target) -> list[Example]:
    """Return the programs, about that target, in the order of the page."""
    operation = f"{target.project_id}/classify/iterations/{quote(target.publish_name, safe='')}"
    context = {
        "key": KEY,
        "endpoint": _literal(target.endpoint),
        "project_id": _literal(target.project_id),
        "publish_name": _literal(target.publish_name),
        "address": f"{target.endpoint}customvision/v3.1/prediction/{operation}",
    }
    return [
        Example(name, title, render_to_string(f"customvision/examples/{name}.txt", context).strip() + "\n")
        for name, title in _EXAMPLES.items()
    ]


def _literal(text: str) -> str:
    """Return the text in quotes, as Python, C# and JavaScript read it alike."""
    return json.dumps(text, ensure_ascii=False)
