"""Pieces of work with their progress, and when scheduled work is due."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User

STRANDED_AFTER = timedelta(minutes=10)
CLOCKS_DIFFER_BY = timedelta(minutes=1)
"""At most, those of several workers."""


class JobQuerySet(models.QuerySet["Job"]):
    def visible_to(self, user: User | AnonymousUser) -> JobQuerySet:
        """Jobs that this person may look at: those of developers are every developer's business."""
        return self if user.has_perm("accounts.develop") else self.none()

    def unfinished(self) -> JobQuerySet:
        return self.filter(state__in=Job.UNFINISHED)

    def newest_first(self) -> JobQuerySet:
        return self.order_by("-pk")

    def claim(self, pk: int, *, now: datetime) -> Job | None:
        """Take the queued job for this process, or None: of several that ask at once, one gets it."""
        claimed = self.filter(pk=pk, state=Job.State.QUEUED).update(
            state=Job.State.RUNNING,
            run=uuid.uuid4(),
            attempts=F("attempts") + 1,
            started_at=now,
            heartbeat_at=now,
            done=0,
            total=None,
            message="",
        )
        return self.get(pk=pk) if claimed else None

    def correct_clock(self, now: datetime) -> None:
        """Take the times that lie ahead as now: since they were written, the clock went back."""
        self.filter(state=Job.State.RUNNING, heartbeat_at__gt=now).update(heartbeat_at=now)
        self.filter(state=Job.State.QUEUED, queued_at__gt=now).update(queued_at=now)

    def lost(self, now: datetime) -> JobQuerySet:
        """Running jobs of which nothing was heard for so long that their process must be dead."""
        silent_since = now - timedelta(seconds=settings.CLASSIFR_JOB_LOST_SECONDS)
        return self.filter(state=Job.State.RUNNING, heartbeat_at__lt=silent_since)

    def stranded(self, now: datetime) -> JobQuerySet:
        """Jobs that have waited for so long that what should wake a worker for them may be lost."""
        return self.filter(state=Job.State.QUEUED, queued_at__lt=now - STRANDED_AFTER)


class Job(models.Model):
    """One piece of work that takes longer than a request should, with its progress and its result."""

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    UNFINISHED = (State.QUEUED, State.RUNNING)
    FINISHED = (State.DONE, State.FAILED, State.CANCELLED)

    kind = models.CharField(max_length=50, help_text="A name in CLASSIFR_JOBS.")
    msgid = models.CharField(max_length=300, help_text="The title in English, with a place for each of its values.")
    values = models.JSONField(default=dict, help_text="What the title speaks of: text by the names of the places.")
    arguments = models.JSONField(default=dict, help_text="What the work is called with.")
    key = models.CharField(max_length=200, blank=True, db_index=True, help_text="Jobs of one key are a group.")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(null=True, help_text="Empty: not known.")
    message = models.CharField(max_length=500, blank=True, help_text="What it is at.")
    run = models.UUIDField(null=True, editable=False, help_text="Of the process that works on it.")
    attempts = models.PositiveIntegerField(default=0)
    can_resume = models.BooleanField(default=True, help_text="Whether another process can take it up again.")
    cancel_requested = models.BooleanField(default=False)
    result = models.JSONField(null=True)
    error = models.TextField(blank=True, help_text="A sentence for people.")
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="jobs")
    language = models.CharField(max_length=8, blank=True, help_text="In which it speaks; empty: the site's.")
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("job")
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="running") | Q(run__isnull=False, started_at__isnull=False),
                name="job_that_runs_has_a_process",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running"], finished_at__isnull=True)
                | Q(state__in=["done", "failed", "cancelled"], finished_at__isnull=False),
                name="job_has_finished_when_it_has_ended",
            ),
            models.CheckConstraint(condition=~Q(state="failed") | ~Q(error=""), name="job_that_failed_says_why"),
        ]
        indexes = [models.Index(fields=["state"], condition=Q(state__in=["queued", "running"]), name="job_unfinished")]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        """In the reader's language."""
        title = gettext(self.msgid)
        return title % self.values if self.values else title

    @property
    def is_finished(self) -> bool:
        return self.state in self.FINISHED

    def per_second(self, *, now: datetime | None = None) -> float | None:
        """Return how many it does in a second, on average of this attempt; None before the first."""
        if self.started_at is None or not self.done:
            return None
        seconds = ((self.finished_at or now or timezone.now()) - self.started_at).total_seconds()
        return self.done / seconds if seconds > 0 else None

    def time_left(self, *, now: datetime | None = None) -> timedelta | None:
        """Return how long the rest takes at that rate; None where that is not known."""
        rate = self.per_second(now=now)
        if not rate or self.total is None or self.is_finished:
            return None
        return timedelta(seconds=max(self.total - self.done, 0) / rate)


class ScheduledTaskQuerySet(models.QuerySet["ScheduledTask"]):
    def claim(self, name: str, *, every: timedelta, now: datetime) -> bool:
        """Say whether the caller is to run that task now; of several workers that ask at once, one hears yes.

        What is due in more than its period was put off by a clock that went back since: it is due now.
        """
        self.get_or_create(name=name, defaults={"due_at": now})
        due = self.filter(Q(due_at__lte=now) | Q(due_at__gt=now + every + CLOCKS_DIFFER_BY), name=name)
        return due.update(due_at=now + every, runs=F("runs") + 1) == 1


class ScheduledTask(models.Model):
    """A task that `CLASSIFR_SCHEDULE` names, and when it is due next."""

    name = models.CharField(max_length=200, unique=True, help_text="Dotted path of the task.")
    due_at = models.DateTimeField()
    runs = models.PositiveBigIntegerField(default=0, help_text="How often it was queued so far.")

    objects = ScheduledTaskQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
