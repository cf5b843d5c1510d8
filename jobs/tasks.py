"""Work on the work itself."""

from datetime import timedelta

from django.core.management import call_command
from django.utils import timezone
from django_tasks import task

from jobs.models import Job

KEPT = timedelta(days=30)


@task()
def prune_results() -> None:
    """Forget finished tasks after two days, those that failed after 14, and ended jobs after 30."""
    call_command("prune_db_task_results", min_age_days=2, failed_min_age_days=14)
    Job.objects.filter(finished_at__lt=timezone.now() - KEPT).delete()
