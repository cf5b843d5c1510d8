"""A web process gives back the memory that large requests took."""

import sys
from unittest.mock import Mock

import pytest

from classifr import gunicorn


@pytest.mark.parametrize(("resident", "calls"), [(gunicorn.KEPT_BYTES, 0), (gunicorn.KEPT_BYTES + 1, 1)])
def test_heaps_are_trimmed_once_much_is_held(monkeypatch: pytest.MonkeyPatch, resident: int, calls: int) -> None:
    trim = Mock()
    monkeypatch.setattr(gunicorn, "_trim_heaps", trim)
    monkeypatch.setattr(gunicorn, "_resident_bytes", lambda: resident)

    gunicorn.post_request(None, None, None, None)

    assert trim.call_count == calls


def test_process_serves_where_heaps_cannot_be_trimmed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gunicorn, "_trim_heaps", None)

    gunicorn.post_request(None, None, None, None)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_what_a_process_holds_is_read_from_the_system() -> None:
    assert 10_000_000 < gunicorn._resident_bytes() < 100_000_000_000
