"""The worker outlives its database."""

import pytest
from django.db import OperationalError

from jobs.management.commands import worker


class WorkerWithoutDatabase:
    """Loses its database twice."""

    runs = 0

    def run(self) -> None:
        WorkerWithoutDatabase.runs += 1
        if self.runs < 3:
            raise OperationalError("server closed the connection")


def test_worker_tries_again_when_the_database_went_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "make_worker", WorkerWithoutDatabase)
    monkeypatch.setattr(worker, "RETRY_S", 0)

    worker.Command().work()

    assert WorkerWithoutDatabase.runs == 3
