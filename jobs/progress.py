"""Progress of a piece of work, and how it hears that it is to stop."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TypeVar

from django.db import Error, connection
from django.utils import timezone

from jobs.exceptions import JobStopped
from jobs.models import Job

logger = logging.getLogger(__name__)

PULSE_S = 1.0
T = TypeVar("T")

worker_is_stopping = threading.Event()
"""Set once in a process that is asked to end: the jobs in it stop at their next check and go back to the queue."""


class Progress:
    """How far a piece of work has come. This one is reported nowhere; see `Pulse`."""

    def __init__(self) -> None:
        self.done = 0
        self.total: int | None = None
        self.message = ""

    def begin(self, message: str, *, total: int | None = None) -> None:
        """Start a stage: its name, and how many there are to do in it where that is known."""
        self.check()
        self.done, self.total, self.message = 0, total, message

    def advance(self, count: int = 1) -> None:
        """Count so many more as done. Raises JobStopped."""
        self.done += count
        self.check()

    def check(self) -> None:
        """Raise JobStopped if the work is to stop. Costs nothing: call it often, at least every second or two."""

    def over(self, items: Iterable[T], message: str, *, total: int | None = None) -> Iterator[T]:
        """Yield the items as one stage, each one counted when the next is asked for. Raises JobStopped."""
        self.begin(message, total=total)
        for item in items:
            yield item
            self.advance()


class Pulse(Progress):
    """A job's progress, written to its row by a thread every second, which also hears of a cancellation."""

    def __init__(self, job: Job, *, watch: Callable[[Progress], None] | None = None) -> None:
        """Also call `watch` with itself at every beat, from the thread."""
        super().__init__()
        self.watch = watch
        self.cancelled = False
        self.superseded = False
        self.job_pk = job.pk
        self._row = Job.objects.filter(pk=job.pk, run=job.run, state=Job.State.RUNNING)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True, name=f"pulse of job {job.pk}")

    def __enter__(self) -> "Pulse":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()

    def check(self) -> None:
        if self.cancelled or self.superseded or worker_is_stopping.is_set():
            raise JobStopped

    def write(self) -> None:
        """Write the progress to the row, and read whether the job is still ours and still wanted."""
        ours = self._row.update(
            done=self.done, total=self.total, message=self.message[:500], heartbeat_at=timezone.now()
        )
        self.superseded = not ours
        self.cancelled = self._row.filter(cancel_requested=True).exists()

    def _beat(self) -> None:
        while not self._ending.wait(PULSE_S):
            if self.watch:
                self.watch(self)
            try:
                self.write()
            except Error:
                logger.warning("No heartbeat job=%s", self.job_pk, exc_info=True)  # the next beat tries again
                connection.close()
        connection.close()
