"""The clock of the machine is wrong for a while, by more than a year."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from jobs.models import ScheduledTask
from tests.conftest import lacking

WITHIN_S = 60
# libfaketime either shifts the monotonic clock too, and then who waits for a lock waits for ever, or lets it be, and
# then `time.sleep` fails.
CODE = """
import os, select, time
time.sleep = lambda seconds: select.select([], [], [], seconds)
os.environ["DJANGO_SETTINGS_MODULE"] = "classifr.settings"
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "worker"])
"""


@contextmanager
def worker(blobs: Path, *, clock: str) -> Iterator[None]:
    """A worker whose clock differs by that from this process's and the database's."""
    database = connection.settings_dict
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgres://{database['USER']}@/{database['NAME']}?host={database['HOST']}",
        "CLASSIFR_VAR": str(blobs.parent),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    command = ["faketime", "-f", clock, sys.executable, "-c", CODE]
    with subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR, process_group=0) as process:
        yield
        os.killpg(process.pid, signal.SIGTERM)


def runs() -> dict[str, int]:
    return dict(ScheduledTask.objects.values_list("name", "runs"))


def have_run_since(before: dict[str, int]) -> bool:
    """Say whether each task was queued since, and nothing waits any more."""
    now = runs()
    unfinished = DBTaskResult.objects.filter(status__in=[TaskResultStatus.READY, TaskResultStatus.RUNNING])
    return (
        all(now.get(name, 0) > before.get(name, 0) for name in settings.CLASSIFR_SCHEDULE) and not unfinished.exists()
    )


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_schedule_goes_on_whatever_the_clock_was(blobs: Path) -> None:
    if shutil.which("faketime") is None:
        lacking("faketime (Debian's package of that name)")
    for clock in ("+0d", "+400d", "+0d", "-400d"):
        before = runs()
        with worker(blobs, clock=clock):
            deadline = time.monotonic() + WITHIN_S
            while not have_run_since(before):
                assert time.monotonic() < deadline, (clock, before, runs())
                time.sleep(0.2)

    assert DBTaskResult.objects.filter(status=TaskResultStatus.SUCCESSFUL).exists()
    assert not DBTaskResult.objects.filter(status=TaskResultStatus.FAILED).exists()
