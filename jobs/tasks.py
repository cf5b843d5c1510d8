"""Work on the work itself."""

from datetime import timedelta

from django.core.management import call_command
from django.utils import timezone
from django_tasks import task

from jobs.models import Job

KEPT = timedelta(days=30)


@task()
def prune_results() -> None:
    """Forget finished tasks after django-tasks' retention of 14 days, and ended jobs after 30."""
    call_command("prune_db_task_results")
    Job.objects.filter(finished_at__lt=timezone.now() - KEPT).delete()
