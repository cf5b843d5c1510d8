"""Images of a project: uploaded, described, deleted."""

import logging
from collections.abc import Mapping, Sequence

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from accounts.models import User
from catalog.exceptions import StorageUnavailable
from catalog.services import discard_picture
from engine.exceptions import ModelFileError
from jobs.exceptions import JobFailed
from jobs.models import Job
from jobs.progress import Progress
from jobs.services import queue_job
from training.backends import get_mirror, get_trainer
from training.models import Image, ImageQuerySet, Project
from training.services import intake
from training.services.projects import queue_discarding
from training.uploads import ImageStatus, ImageUpload, UploadResult, fill_in
from training.vectors import embed_missing

logger = logging.getLogger(__name__)

_ROWS_AT_ONCE = 5_000


def upload_images(
    *, project: Project, batch: Sequence[ImageUpload | UploadResult], by: User | None
) -> tuple[UploadResult, ...]:
    """Add at most 64 pictures, each added or refused by itself, and have the new ones embedded in the background.

    Returns what became of each, in their order. What could not even be read stands in the batch as its result.
    """
    uploads = [each for each in batch if isinstance(each, ImageUpload)]
    intake.check_batch(uploads)
    trainer = get_trainer(project.backend)
    results = fill_in(batch, trainer.upload_images(project, uploads, by=by) if uploads else ())
    added = sum(each.status == ImageStatus.OK for each in results)
    if added and trainer.capabilities.needs_vectors:
        queue_embedding(project, by=by)
    logger.info("Uploaded project=%s added=%s of=%s", project.pk, added, len(batch))
    return results


def queue_embedding(project: Project, *, by: User | None) -> None:
    """Have the project's missing vectors computed, unless a job that has not begun will do it."""
    key = f"embed project {project.pk}"
    if not Job.objects.filter(key=key, state=Job.State.QUEUED).exists():
        title = gettext_noop("Prepare the images of %(project)s")
        queue_job("embed", title=title, values={"project": project}, arguments={"project": project.pk}, by=by, key=key)


def run_embedding(progress: Progress, *, project: int) -> dict[str, int]:
    """Do the work of the job that `queue_embedding` queues."""
    row = Project.objects.filter(pk=project).first()
    try:
        return {"embedded": embed_missing(row, progress=progress) if row else 0}
    except (StorageUnavailable, ModelFileError) as exc:
        raise JobFailed(str(exc)) from exc


def add_metadata(images: ImageQuerySet, given: Mapping[str, str]) -> tuple[list[Image], list[Image]]:
    """Add the pairs to those of each image; return the changed images, and those that would have too many."""
    changed: list[Image] = []
    full: list[Image] = []
    with transaction.atomic():
        for image in images.locked():
            together = {**image.metadata, **given}
            (full if len(together) > intake.MOST_PAIRS else changed).append(image)
            image.metadata = together
        Image.objects.bulk_update(changed, ["metadata"])
    return changed, full


def delete_images(images: Sequence[Image]) -> int:
    """Delete the few images of one project that somebody has chosen on a page; return how many.

    Their pictures are erased at once, unless something else points at them: whoever asked sees that they are gone.
    """
    if not images:
        return 0
    if mirror := get_mirror(images[0].project):
        mirror.delete_images(images)
    for image in images:
        with transaction.atomic():
            Image.objects.filter(pk=image.pk).delete()
            discard_picture(image.picture)
    logger.info("Deleted images=%s project=%s", len(images), images[0].project_id)
    return len(images)


def discard_images(project: Project, images: ImageQuerySet, *, by: User | None) -> int:
    """Delete these images of the project in one act, however many a program has named; return how many.

    Each picture may be a call of the storage, which a request cannot wait for: a job erases them.
    """
    if mirror := get_mirror(project):
        mirror.delete_images(images)
    with transaction.atomic():
        pictures = dict(images.locked().values_list("pk", "picture_id"))
        for start in range(0, len(keys := list(pictures)), _ROWS_AT_ONCE):
            Image.objects.filter(pk__in=keys[start : start + _ROWS_AT_ONCE]).delete()
        if pictures:
            queue_discarding(pictures.values(), project=project, by=by)
    logger.info("Deleted images=%s project=%s", len(pictures), project.pk)
    return len(pictures)


def summary(results: Sequence[UploadResult]) -> str:
    """Say in a sentence how many were added, were there already and were refused."""
    new = sum(each.status == ImageStatus.OK for each in results)
    there = sum(each.status == ImageStatus.OK_DUPLICATE for each in results)
    refused = len(results) - new - there
    parts = [ngettext("%(count)s image added", "%(count)s images added", new) % {"count": new}]
    if there:
        parts.append(ngettext("%(count)s was there already", "%(count)s were there already", there) % {"count": there})
    if refused:
        parts.append(ngettext("%(count)s refused", "%(count)s refused", refused) % {"count": refused})
    return ", ".join(parts) + "."


def remark(result: UploadResult) -> str:
    """Say in a sentence what there is to know of a picture beside the status; "" where there is nothing."""
    if result.left_out and result.image:
        names = ", ".join(result.image.tags.values_list("name", flat=True))
        others = ", ".join(tag.name for tag in result.left_out)
        sentence = _("It was in the project already, as %(tags)s, and stays so: now it came as %(others)s.")
        return sentence % {"tags": names, "others": others}
    if result.is_not_held_out:
        return _("It was trained on already, and is not held out.")
    return result.detail
