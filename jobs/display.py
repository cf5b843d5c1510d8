"""A job as pages show it, with its pace in the reader's words."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from jobs.models import Job

_LAST_SECONDS = 90
_LAST_MINUTES = 90 * 60


@dataclass(frozen=True)
class ShownJob:
    """A job with what its row says of its pace."""

    job: Job
    rate: str
    """Such as "12.5"; empty where there is none."""
    time_left: str
    """Such as "3 min"; empty where nobody knows."""
    percent: int | None
    """Of the work that is done; None where its total is not known."""

    @property
    def is_stopping(self) -> bool:
        return self.job.cancel_requested and not self.job.is_finished


def shown(job: Job, *, now: datetime | None = None) -> ShownJob:
    """Return the job as jobs/_progress.html wants it."""
    is_running = job.state == Job.State.RUNNING
    rate = job.per_second(now=now) if is_running else None
    left = job.time_left(now=now) if is_running else None
    return ShownJob(
        job=job,
        rate=number_format(round(rate, 1), decimal_pos=1) if rate else "",
        time_left=_duration(left) if left else "",
        percent=100 * min(job.done, job.total) // job.total if job.total else None,
    )


def _duration(left: timedelta) -> str:
    """Write how long it takes, as roughly as anybody knows: 40 s, 3 min, 2 h."""
    seconds = left.total_seconds()
    if seconds < _LAST_SECONDS:
        return _("%(count)s s") % {"count": round(seconds)}
    if seconds < _LAST_MINUTES:
        return _("%(count)s min") % {"count": round(seconds / 60)}
    return _("%(count)s h") % {"count": round(seconds / 3600)}
