"""Background work of this room that nobody waits for."""

from django_tasks import task

from training import vectors


@task()
def drop_old_vectors() -> int:
    """Delete vectors that nothing needs any more."""
    return vectors.drop_old_vectors()
