"""Work that the tests of jobs do."""

import time

from jobs.exceptions import JobFailed
from jobs.models import Job
from jobs.progress import Progress

ended: list[str] = []


def count(progress: Progress, *, to: int, pause_s: float = 0.0) -> dict[str, int]:
    """Count, slowly."""
    for _ in progress.over(range(to), "Counting", total=to):
        time.sleep(pause_s)
    return {"counted": to}


def refuse(progress: Progress) -> None:
    """Cannot be done."""
    raise JobFailed("There is nothing to count.")


def break_down(progress: Progress) -> None:
    """Has a bug."""
    raise ZeroDivisionError


def note_end(job: Job) -> None:
    """A hook."""
    ended.append(f"{job.key} {job.state}")
