"""Queue the work that comes back by itself."""

import logging
from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from jobs.models import ScheduledTask

logger = logging.getLogger(__name__)


def queue_due_tasks() -> int:
    """Queue each task of `CLASSIFR_SCHEDULE` that is due, once among all workers; return how many were."""
    now = timezone.now()
    due = [
        name
        for name, seconds in settings.CLASSIFR_SCHEDULE.items()
        if ScheduledTask.objects.claim(name, every=timedelta(seconds=seconds), now=now)
    ]
    for name in due:
        import_string(name).enqueue()
        logger.debug("Queued task=%s", name)
    return len(due)
