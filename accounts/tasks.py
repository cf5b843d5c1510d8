"""Background work of this room."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from django_tasks import task

from accounts.models import RequestCount


@task()
def forget_request_counts() -> int:
    """Delete the counts whose minute is over, or so far ahead that the clock went back since; return how many."""
    now = timezone.now()
    return RequestCount.objects.filter(Q(ends_at__lt=now) | Q(ends_at__gt=now + timedelta(hours=1))).delete()[0]
