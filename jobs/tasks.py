"""Work on the work itself."""

from django.core.management import call_command
from django_tasks import task


@task()
def prune_results() -> None:
    """Forget finished tasks after django-tasks' retention of 14 days."""
    call_command("prune_db_task_results")
