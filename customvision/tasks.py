"""Background work of this room."""

from django_tasks import task

from customvision import services


@task()
def purge_predictions() -> int:
    """Erase the stored predictions whose time is over; return how many."""
    return services.purge_predictions()
