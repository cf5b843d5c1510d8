"""The worker outlives its database."""

import os
import signal
import threading
from collections.abc import Iterator

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


@pytest.fixture
def handlers() -> Iterator[None]:
    """Put back what handled the signals."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_job_hears_that_its_worker_is_told_to_end(
    handlers: None, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    stopping = threading.Event()
    monkeypatch.setattr(worker, "worker_is_stopping", stopping)
    made = worker.make_worker()
    made.running_task = True

    os.kill(os.getpid(), number)

    assert stopping.is_set()
    assert not made.running
