"""Background work of this room."""

from django.utils import timezone
from django_tasks import task

from accounts.models import RequestCount


@task()
def forget_request_counts() -> int:
    """Delete the counts whose minute is over; return how many."""
    return RequestCount.objects.filter(ends_at__lt=timezone.now()).delete()[0]
