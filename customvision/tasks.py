"""Background work of this room."""

import logging

from django_tasks import task

from catalog.exceptions import StorageUnavailable
from catalog.reconciliation import reconcile_blobs
from customvision import services

logger = logging.getLogger(__name__)


@task()
def erase_old_packages() -> int:
    """Erase the packages of iterations that are gone, as they hold pictures; return how many."""
    try:
        return reconcile_blobs(dry_run=False, report=logger.info, folders=("exports/",)).deleted
    except StorageUnavailable as exc:
        logger.warning("Packages not erased: %s", exc)
        return 0


@task()
def queue_for_review() -> int:
    """Show reviewers what programs asked; return how many were not in their queue yet."""
    return services.queue_for_review()


@task()
def purge_predictions() -> int:
    """Erase the stored predictions whose time is over; return how many."""
    return services.purge_predictions()
