"""Images of a project: uploaded, tagged, deleted."""

import logging
from collections.abc import Collection, Sequence

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from catalog.exceptions import StorageUnavailable
from catalog.services import discard_picture
from engine.exceptions import ModelFileError
from jobs.exceptions import JobFailed
from jobs.models import Job
from jobs.progress import Progress
from jobs.services import enqueue, make_job
from training import keeping
from training.backends import get_mirror, get_trainer
from training.exceptions import Refused
from training.models import Image, ImageQuerySet, Project, Tag
from training.uploads import ImageStatus, ImageUpload, UploadResult, fill_in
from training.vectors import embed_missing

logger = logging.getLogger(__name__)

_ROWS_AT_ONCE = 5_000


def upload_images(
    *, project: Project, batch: Sequence[ImageUpload | UploadResult], by: User | None
) -> tuple[UploadResult, ...]:
    """Add at most 64 pictures, each kept or refused by itself, and have the new ones embedded in the background.

    Returns what became of each, in their order. What could not even be read stands in the batch as its result.
    """
    uploads = [each for each in batch if isinstance(each, ImageUpload)]
    keeping.check_batch(uploads)
    trainer = get_trainer(project.backend)
    results = fill_in(batch, trainer.upload_images(project, uploads, by=by) if uploads else ())
    kept = sum(each.status == ImageStatus.OK for each in results)
    if kept and trainer.capabilities.needs_vectors:
        queue_embedding(project, by=by)
    logger.info("Uploaded project=%s kept=%s of=%s", project.pk, kept, len(batch))
    return results


def queue_embedding(project: Project, *, by: User | None) -> None:
    """Have the project's missing vectors computed, unless a job that has not begun will do it."""
    key = f"embed project {project.pk}"
    if not Job.objects.filter(key=key, state=Job.State.QUEUED).exists():
        title = _("Prepare the images of %(project)s") % {"project": project}
        enqueue(make_job("embed", title=title, arguments={"project": project.pk}, by=by, key=key))


def run_embedding(progress: Progress, *, project: int) -> dict[str, int]:
    """Do the work of the job that `queue_embedding` queues."""
    found = Project.objects.filter(pk=project).first()
    try:
        return {"embedded": embed_missing(found, progress=progress) if found else 0}
    except (StorageUnavailable, ModelFileError) as exc:
        raise JobFailed(str(exc)) from exc


def set_tags(*, images: Collection[Image], tags: Sequence[Tag]) -> None:
    """Let these images of one project have exactly these tags. Raises Refused for tags that exclude each other."""
    for image in images:
        _check_together(image.project, tags)
        if mirror := get_mirror(image.project):
            mirror.set_tags(image, tags)
        with transaction.atomic():
            image.image_tags.all().delete()
            keeping.add_tags(image, tags)
    logger.info("Tagged images=%s tags=%s", len(images), len(tags))


def add_tag(*, images: Collection[Image], tag: Tag) -> None:
    """Tag these images of one project; where an image may have only one tag, it replaces the other."""
    for image in images:
        others = [] if image.project.is_only(tag) else [each for each in image.tags.all() if not each.is_negative]
        set_tags(images=[image], tags=[*{*others, tag}])


def delete_images(images: Sequence[Image]) -> int:
    """Delete these images of one project, and their pictures unless something else points at them; return how many."""
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
    """Delete these images of the project at once, however many; a job erases their pictures. Return how many."""
    if mirror := get_mirror(project):
        mirror.delete_images(images)
    with transaction.atomic():
        gone = dict(images.values_list("pk", "picture_id"))
        for start in range(0, len(keys := list(gone)), _ROWS_AT_ONCE):
            Image.objects.filter(pk__in=keys[start : start + _ROWS_AT_ONCE]).delete()
        if gone:
            title = _("Erase the pictures of %(project)s") % {"project": project}
            enqueue(make_job("discard", title=title, arguments={"pictures": list(gone.values())}, by=by))
    logger.info("Deleted images=%s project=%s", len(gone), project.pk)
    return len(gone)


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
        return _("It was in the project already, as %(tags)s, and stays so.") % {"tags": names}
    if result.is_not_held_out:
        return _("It was trained on already, and is not held out.")
    return result.detail


def _check_together(project: Project, tags: Sequence[Tag]) -> None:
    if any(tag.project_id != project.pk for tag in tags):
        raise Refused(_("The tag belongs to another project."))
    if len(tags) > 1 and any(project.is_only(tag) for tag in tags):
        raise Refused(_("These tags exclude each other."))
