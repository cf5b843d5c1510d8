"""When scheduled work is due."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import F


class ScheduledTaskQuerySet(models.QuerySet["ScheduledTask"]):
    def claim(self, name: str, *, every: timedelta, now: datetime) -> bool:
        """Say whether the caller is to run that task now; of several workers that ask at once, one hears yes."""
        self.get_or_create(name=name, defaults={"due_at": now})
        return self.filter(name=name, due_at__lte=now).update(due_at=now + every, runs=F("runs") + 1) == 1


class ScheduledTask(models.Model):
    """A task that `CLASSIFR_SCHEDULE` names, and when it is due next."""

    name = models.CharField(max_length=200, unique=True, help_text="Dotted path of the task.")
    due_at = models.DateTimeField()
    runs = models.PositiveBigIntegerField(default=0, help_text="How often it was queued so far.")

    objects = ScheduledTaskQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
