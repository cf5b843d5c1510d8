"""What contributors are told is true: numbers, paths, targets, hooks, and the drawing of the floors."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from classifr import __version__

ROOT = Path(settings.BASE_DIR)


def test_version_is_the_newest_of_the_changelog() -> None:
    numbers = re.findall(r"^## (\d+\.\d+\.\d+) – \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert numbers[0] == __version__
    assert numbers == sorted(numbers, key=lambda each: [int(part) for part in each.split(".")], reverse=True)
