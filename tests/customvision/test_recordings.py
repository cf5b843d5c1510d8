"""The comparison with recordings finds what differs."""

from typing import Any

import pytest

from tests.customvision.recordings import differences

SHAPE = {"id": "uuid", "at": "null|utc", "tags?": [{"name": "text"}], "counts": {"*": "int"}}
RIGHT = {"id": "12345678-1234-1234-1234-123456789abc", "at": "2020-11-06T17:46:18.45Z", "counts": {"a": 1}}


@pytest.mark.parametrize("more", [{}, {"at": None}, {"tags": []}, {"tags": [{"name": ""}]}, {"counts": {}}])
def test_what_is_as_recorded_does_not_differ(more: dict[str, Any]) -> None:
    assert list(differences(RIGHT | more, SHAPE)) == []


@pytest.mark.parametrize(
    "more",
    [
        {"id": None},
        {"id": "12345678123412341234123456789abc"},
        {"at": "2020-11-06T17:46:18.4500000"},
        {"tags": None},
        {"tags": [{}]},
        {"tags": [{"name": "a", "more": 1}]},
        {"counts": {"a": 1.0}},
        {"counts": {"a": True}},
        {"more": 1},
    ],
)
def test_what_is_not_as_recorded_is_told(more: dict[str, Any]) -> None:
    assert len(list(differences(RIGHT | more, SHAPE))) == 1


def test_missing_key_is_told() -> None:
    assert list(differences({"id": RIGHT["id"], "at": None}, SHAPE)) == ["answer has no ['counts']"]
