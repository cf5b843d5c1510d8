"""The worker outlives its database."""

import pytest
from django.db import OperationalError

from jobs.management.commands import worker


def test_worker_tries_again_when_the_database_went_away(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def database_away_at_first(name: str, **options: object) -> None:
        calls.append(name)
        if len(calls) < 3:
            raise OperationalError("server closed the connection")

    monkeypatch.setattr(worker, "call_command", database_away_at_first)
    monkeypatch.setattr(worker, "RETRY_S", 0)

    worker.Command().work()

    assert calls == ["db_worker"] * 3
