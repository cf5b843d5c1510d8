"""Build an iteration's package in a job, and let it be fetched."""

import logging
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from catalog import storage
from catalog.exceptions import StorageUnavailable
from catalog.locks import lock_blobs_shared
from customvision.models import Export
from engine.exceptions import ModelFileError
from jobs.exceptions import JobFailed
from jobs.models import Job
from jobs.progress import Progress
from jobs.services import queue_job
from training.exceptions import TrainingError
from training.models import Iteration
from training.packages import package

logger = logging.getLogger(__name__)


def start_export(*, iteration: Iteration, platform: str, flavor: str, by: User | None) -> Export | None:
    """Queue the package and return its row; None where there is one, or will be. One that failed is built again.

    platform, flavor: as `packages.FLAVORS` has them, "" for no flavor.
    """
    wanted = Export.objects.filter(iteration=iteration, platform=platform, flavor=flavor)
    title = gettext_noop("Export %(iteration)s of %(project)s for %(platform)s")
    values = {"iteration": iteration, "project": iteration.project, "platform": platform}
    with transaction.atomic():
        wanted.filter(status=Export.Status.FAILED).delete()
        export, is_new = wanted.get_or_create(iteration=iteration, platform=platform, flavor=flavor)
        if not is_new:
            return None
        queue_job("export", title=title, values=values, arguments={"export": export.pk}, by=by)
    return export


def run_export(progress: Progress, *, export: int) -> dict[str, Any] | None:
    """Do the work of the job that `start_export` queues; one whose iteration is gone is left alone."""
    waiting = Export.objects.filter(pk=export, status=Export.Status.EXPORTING)
    row = waiting.select_related("iteration__project").first()
    if row is None:
        return None
    progress.begin(_("Building the package"))
    key = f"exports/{row.uid}.zip"
    try:
        content = package(row.iteration, platform=row.platform, flavor=row.flavor or None)
        with transaction.atomic():
            lock_blobs_shared()
            if not waiting.update(status=Export.Status.DONE, blob_key=key):
                return None
            storage.write_blob(key, content)
    except (TrainingError, StorageUnavailable, ModelFileError) as exc:
        raise JobFailed(str(exc)) from exc
    logger.info("Exported iteration=%s platform=%s bytes=%s", row.iteration_id, row.platform, len(content))
    return {"bytes": len(content)}


def mark_failed(job: Job) -> None:
    """Let the export of a job that ended badly say why: called when the job has ended."""
    error = _("The export was cancelled.") if job.state == Job.State.CANCELLED else job.error
    unsettled = Export.objects.filter(pk=job.arguments["export"], status=Export.Status.EXPORTING)
    unsettled.update(status=Export.Status.FAILED, error=error or _("The export ended without a result."))
