"""Background work of this room."""

from django_tasks import task

from classifier import services


@task()
def purge_pending() -> int:
    """Erase the photos whose verdict never came; return how many."""
    return services.purge_pending()
