"""Queue work, run it, take up again what a dead process left."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, TypeAlias

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django_tasks import task
from django_tasks.base import Task

from accounts.models import User
from jobs.exceptions import JobFailed, JobStopped
from jobs.models import Job, ScheduledTask
from jobs.progress import Progress, Pulse, worker_is_stopping
from web.registry import Registry

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
_NOTHING: Mapping[str, object] = MappingProxyType({})

Work: TypeAlias = Callable[..., Any]
"""Called with the Progress, then the job's arguments by name; returns what JSON can hold. It may be called again after
a part was done, and then does the rest."""
Watch: TypeAlias = Callable[[Progress], None]

works: Registry[Work] = Registry("kind of job", group="classifr.jobs", paths=lambda: settings.CLASSIFR_JOBS)
hooks: Registry[Callable[[Job], None]] = Registry(
    "hook", group="classifr.job_hooks", paths=lambda: settings.CLASSIFR_JOB_HOOKS
)
# A name in CLASSIFR_SCHEDULE is a task's dotted path, or that of an entry point.
scheduled: Registry[Task[[], Any]] = Registry(
    "task", group="classifr.tasks", paths=lambda: {name: name for name in settings.CLASSIFR_SCHEDULE if "." in name}
)


def make_job(
    kind: str,
    *,
    title: str,
    values: Mapping[str, object] = _NOTHING,
    arguments: dict[str, Any],
    by: User | None = None,
    key: str = "",
    can_resume: bool = True,
) -> Job:
    """Make a job for `enqueue`, in the same transaction, or for `do_here`. Raises NotRegistered for an unknown kind.

    title: in English, marked by `gettext_noop`; it is shown in each reader's language, with the values' text in its
    places.

    The jobs of one `key` are made in one transaction; a job without a key is a group of its own. When the last of a
    group has ended, however each of them did, the hook that there may be for that kind is called once, with
    that job, in the transaction that ends it.
    """
    works.get(kind)
    return Job.objects.create(
        kind=kind,
        msgid=title,
        values={name: str(value) for name, value in values.items()},
        arguments=arguments,
        user=by,
        key=key,
        can_resume=can_resume,
        language=translation.get_language() or "",
    )


def queue_job(
    kind: str,
    *,
    title: str,
    values: Mapping[str, object] = _NOTHING,
    arguments: dict[str, Any],
    by: User | None = None,
    key: str = "",
) -> Job:
    """Make a job as `make_job` does, and let some worker do it."""
    with transaction.atomic():
        job = make_job(kind, title=title, values=values, arguments=arguments, by=by, key=key)
        enqueue(job)
    return job


def enqueue(job: Job) -> None:
    """Wake a worker for the job, once the transaction is committed that made it or let it go."""
    run_job.enqueue(pk=job.pk)


def do_here(job: Job, *, watch: Watch | None = None) -> Job:
    """Do the job in this process and return it as it ended: what a command does.

    It shows among the jobs like any other; if this process is killed, a worker takes it up, where it can resume. Ctrl-C
    cancels it. `watch` is called about once a second, from another thread.
    """
    claimed = Job.objects.claim(job.pk, now=timezone.now())
    if claimed:
        _perform(claimed, watch=watch)
    job.refresh_from_db()
    return job


def cancel_job(job: Job) -> None:
    """Ask the job to stop: at once if it waits, within seconds if it runs; what it has done stays done."""
    take_up_lost_jobs()  # it may be one: then it waits again, and can be cancelled at once
    now = timezone.now()
    waiting = Job.objects.filter(pk=job.pk, state=Job.State.QUEUED)
    with transaction.atomic():
        _lock_group(job)
        if waiting.update(state=Job.State.CANCELLED, finished_at=now, cancel_requested=True):
            _run_hook(job)
        else:
            Job.objects.unfinished().filter(pk=job.pk).update(cancel_requested=True)
    logger.info("Cancelled job=%s kind=%s", job.pk, job.kind)


def take_up_lost_jobs() -> int:
    """Queue again the jobs whose process died, and those that the queue lost; return how many.

    One that cannot be resumed, or whose process has died too often, fails.
    """
    now = timezone.now()
    Job.objects.correct_clock(now)
    lost = [*Job.objects.lost(now), *Job.objects.stranded(now)]
    for job in lost:
        logger.warning("Lost job=%s kind=%s attempts=%s", job.pk, job.kind, job.attempts)
        with translation.override(job.language or settings.LANGUAGE_CODE):
            _requeue_or_fail(job)
    return len(lost)


def queue_due_tasks() -> int:
    """Queue each task of `CLASSIFR_SCHEDULE` that is due, once among all workers; return how many were."""
    now = timezone.now()
    return sum(_queue_if_due(name, seconds, now) for name, seconds in settings.CLASSIFR_SCHEDULE.items())


@transaction.atomic
def _queue_if_due(name: str, seconds: int, now: datetime) -> bool:
    is_due = ScheduledTask.objects.claim(name, every=timedelta(seconds=seconds), now=now)
    if is_due:
        scheduled.get(name).enqueue()
        logger.debug("Queued task=%s", name)
    return is_due


@task()
def run_job(pk: int) -> None:
    """Do the job, unless somebody else does or did."""
    job = Job.objects.claim(pk, now=timezone.now())
    if job:
        _perform(job)


def _perform(job: Job, *, watch: Watch | None = None) -> None:
    """Do a claimed job to its end, whatever that is."""
    logger.info("Started job=%s kind=%s attempt=%s", job.pk, job.kind, job.attempts)
    with Pulse(job, watch=watch) as pulse, translation.override(job.language or settings.LANGUAGE_CODE):
        try:
            result = works.get(job.kind)(pulse, **job.arguments)
        except (JobStopped, KeyboardInterrupt):
            _stop(job, pulse)
        except JobFailed as exc:
            logger.warning("Failed job=%s kind=%s: %s", job.pk, job.kind, exc)
            _end(job, Job.State.FAILED, pulse=pulse, error=str(exc))
        except Exception as exc:
            logger.exception("Failed job=%s kind=%s", job.pk, job.kind)
            sentence = _("Something went wrong that nobody thought of (%(name)s); the log says more.")
            _end(job, Job.State.FAILED, pulse=pulse, error=sentence % {"name": type(exc).__name__})
        else:
            _end(job, Job.State.DONE, pulse=pulse, result=result)


def _requeue_or_fail(job: Job) -> None:
    """Queue a job without a process again, or end it."""
    if job.cancel_requested:
        _end(job, Job.State.CANCELLED)
    elif not job.can_resume:
        sentence = _("The command that did this was stopped. Run it again: it goes on from there.")
        _end(job, Job.State.FAILED, error=sentence)
    elif job.state == Job.State.RUNNING and job.attempts >= MAX_ATTEMPTS:
        _end(job, Job.State.FAILED, error=_("The worker died %(count)s times at this.") % {"count": job.attempts})
    else:
        _requeue(job, attempts=job.attempts)


def _stop(job: Job, pulse: Pulse) -> None:
    """Leave a job before its end: to the next worker if this one goes down, to nobody if it is no longer wanted."""
    if pulse.superseded:
        logger.warning("Superseded job=%s: another process works on it", job.pk)
    elif pulse.cancelled or not worker_is_stopping.is_set():
        _end(job, Job.State.CANCELLED, pulse=pulse)
    else:
        _requeue(job, attempts=job.attempts - 1)  # nobody died


def _requeue(job: Job, *, attempts: int) -> None:
    """Let any worker take the job up again."""
    with transaction.atomic():
        mine = Job.objects.filter(pk=job.pk, run=job.run, state=job.state)
        if mine.update(state=Job.State.QUEUED, run=None, queued_at=timezone.now(), attempts=attempts):
            enqueue(job)


def _end(job: Job, state: Job.State, *, pulse: Pulse | None = None, result: Any = None, error: str = "") -> None:
    """Record how the job ended, unless another process has it now, and run the hook after the last of its group."""
    values: dict[str, Any] = {"state": state, "finished_at": timezone.now(), "result": result, "error": error}
    if pulse:
        values |= {"done": pulse.done, "total": pulse.total, "message": pulse.message}
    with transaction.atomic():
        _lock_group(job)
        if Job.objects.unfinished().filter(pk=job.pk, run=job.run).update(**values):
            _run_hook(job)
    logger.info("Ended job=%s kind=%s state=%s", job.pk, job.kind, state)


def _lock_group(job: Job) -> None:
    """Let the jobs of a group end one after the other, so that just one of them is the last."""
    if job.key:
        list(Job.objects.select_for_update().filter(key=job.key).order_by("pk").values_list("pk"))


def _run_hook(job: Job) -> None:
    """Run what is to be done after the last job of a group, if this was it."""
    hook = hooks.find(job.kind)
    if hook and not (job.key and Job.objects.unfinished().filter(key=job.key).exists()):
        job.refresh_from_db()
        with translation.override(job.language or settings.LANGUAGE_CODE):
            hook(job)
