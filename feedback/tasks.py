"""Background work of this room."""

import logging

from django.conf import settings
from django_tasks import task

from feedback import services

logger = logging.getLogger(__name__)


@task()
def empty_bin() -> int:
    """Erase what reviewers deleted long ago; return how many photos."""
    return services.empty_bin(days=settings.CLASSIFR_BIN_DAYS, report=lambda key: None)
