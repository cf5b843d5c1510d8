"""Background work of this room."""

from django.conf import settings
from django_tasks import task

from feedback.services import bin


@task()
def empty_bin() -> int:
    """Erase what reviewers deleted long ago; return how many photos."""
    return bin.empty_bin(days=settings.CLASSIFR_BIN_DAYS, report=lambda key: None)
