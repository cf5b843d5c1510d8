"""Background work of this room."""

from django_tasks import task

from catalog import services


@task()
def deliver_waiting() -> int:
    """Deliver the pictures that the storage refused and that are due; return how many it took."""
    return services.deliver_waiting()
