"""Our rows brought in line with what others did at Azure."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import NamedTuple
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Count, F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from azurecv.training import answers, measuring
from azurecv.training.answers import RemoteIteration, RemoteTag
from azurecv.training.calls import Calls
from azurecv.training.learning import why_failed
from jobs.progress import Progress
from training.exceptions import BackendUnavailable
from training.figures import Performance
from training.models import Iteration, Project, Publication, Tag
from training.names import LONGEST_NAME
from training.services import publishing

logger = logging.getLogger(__name__)

THRESHOLD = 0.5
REASON = "Changed at Azure Custom Vision"
MIRRORED = ["name", "status", "training_type", "publish_name", "trained_at", "metrics", "error"]
"""Fields of an iteration that are Azure's to say."""
_IN_TRAINING = {Iteration.Status.NEW, Iteration.Status.TRAINING}


class _Changes(NamedTuple):
    """How many rows a synchronisation touched."""

    new: int
    changed: int
    deleted: int


def sync(calls: Calls, project: Project) -> str:
    """Let tags, iterations and what is live be as Azure has them; say in a sentence what changed."""
    # What is made here while Azure is being asked is not in its answer, and yet is not gone.
    known_tags, known_iterations = list(project.tags.all()), list(project.iterations.all())
    publication = _last_publication(project)
    remote_tags, remote_iterations = calls.tags(project), calls.iterations(project)
    measured = {row.remote_id for row in known_iterations if row.status == Iteration.Status.COMPLETED}
    performances = {
        each.id: calls.performance(project, each.id, threshold=THRESHOLD)
        for each in remote_iterations
        if each.status == answers.COMPLETED and each.id not in measured
    }
    with transaction.atomic():
        locked = Project.objects.select_for_update().get(pk=project.pk)
        if _last_publication(locked) != publication:  # Azure may have answered before
            raise BackendUnavailable(_("Something was published meanwhile: synchronise the project again."))
        tags = _mirror_tags(locked, known_tags, remote_tags)
        elsewhere = _count_images_elsewhere(locked, remote_tags)
        _notice_unpublished(locked, remote_iterations)
        iterations = _mirror_iterations(locked, known_iterations, remote_iterations, performances)
        _notice_published(locked)
    project.refresh_from_db(fields=["iterations_made", "live_iteration"])
    for row in project.iterations.completed().filter(metrics__has_key=measuring.NOT_MEASURED):
        measuring.measure(calls, row, tags=row.settings.get("tags", ()), progress=Progress())
    return " ".join(filter(None, [_sentence(tags, iterations), _told_of_images(elsewhere)]))


def mirror_iteration(row: Iteration, remote: RemoteIteration, performance: Performance | None) -> None:
    """Give the row what Azure says of an iteration that is over, unsaved."""
    is_completed = remote.status == answers.COMPLETED
    row.name = remote.name[:LONGEST_NAME]
    row.status = Iteration.Status.COMPLETED if is_completed else Iteration.Status.FAILED
    row.training_type = "Advanced" if remote.training_type == "Advanced" else "Regular"
    row.publish_name = remote.publish_name[:LONGEST_NAME] if is_completed else ""
    row.trained_at = remote.trained_at
    row.error = "" if is_completed else row.error or why_failed(remote)
    if performance:
        figures = asdict(performance.overall)
        row.metrics = {**figures, "threshold": performance.threshold, "measured_by": "Azure Custom Vision"}


def _mirror_tags(project: Project, known: Sequence[Tag], remote: Sequence[RemoteTag]) -> _Changes:
    ids = {each.id for each in remote}
    deleted = [tag.pk for tag in known if tag.remote_id and tag.remote_id not in ids]
    project.tags.filter(pk__in=deleted).delete()
    rows = list(project.tags.all())
    by_remote_id = {tag.remote_id: tag for tag in rows if tag.remote_id}
    by_name = {tag.name.lower(): tag for tag in rows if tag.remote_id is None}
    new: list[Tag] = []
    changed: list[Tag] = []
    for each in remote:
        tag = by_remote_id.get(each.id) or by_name.get(each.name.lower()) or Tag(project=project)
        before = (tag.remote_id, tag.name, tag.type)
        tag.remote_id, tag.name, tag.type = each.id, each.name, each.type
        if before != (each.id, each.name, each.type) and each.type in Tag.Type.values:
            (changed if tag.pk else new).append(tag)
    left = _save_in_any_order([*changed, *new])
    return _Changes(sum(tag not in left for tag in new), sum(tag not in left for tag in changed), len(deleted))


def _count_images_elsewhere(project: Project, remote: Sequence[RemoteTag]) -> int:
    """Note for each tag how many images Azure has beyond ours; return the sum."""
    there = {each.id: each.images for each in remote}
    sent = Count("image_tags", filter=Q(image_tags__image__remote_id__isnull=False))
    ours = dict(project.tags.annotate(sent=sent).values_list("pk", "sent"))
    tags = [tag for tag in project.tags.all() if tag.remote_id in there]
    for tag in tags:
        tag.images_elsewhere = max(there[tag.remote_id] - ours[tag.pk], 0)  # type: ignore[index]
    Tag.objects.bulk_update(tags, ["images_elsewhere"])
    return sum(tag.images_elsewhere for tag in tags)


def _told_of_images(elsewhere: int) -> str:
    if not elsewhere:
        return ""
    sentence = _("%(count)s images are at Azure alone: it trains on them too, and here they cannot be looked at.")
    return sentence % {"count": elsewhere}


def _save_in_any_order(tags: list[Tag]) -> list[Tag]:
    """Save tags of which one may take the name that another gives up; return those that fit in no order."""
    while tags:
        left = [tag for tag in tags if not _is_saved(tag)]
        if len(left) == len(tags):
            logger.warning("Tags at Azure that do not fit here: %s", ", ".join(tag.name for tag in left))
            break
        tags = left
    return tags


def _is_saved(tag: Tag) -> bool:
    try:
        with transaction.atomic():
            tag.save()
    except IntegrityError:
        return False
    return True


def _notice_unpublished(project: Project, remote: Sequence[RemoteIteration]) -> None:
    """Let nothing be live if somebody unpublished or deleted at Azure what was."""
    live = project.live_iteration
    if live and live.remote_id not in {each.id for each in remote if each.publish_name}:
        publishing.note(Publication.Act.UNPUBLISH, live, project=project, reason=REASON)


def _notice_published(project: Project) -> None:
    """Let the iteration be live that alone is published at Azure, if none is."""
    published = list(project.iterations.published())
    if project.live_iteration is None and len(published) == 1:
        publishing.note(Publication.Act.PUBLISH, published[0], project=project, reason=REASON)


def _last_publication(project: Project) -> int | None:
    return project.publications.values_list("pk", flat=True).first()


def _mirror_iterations(
    project: Project,
    known: Sequence[Iteration],
    remote: Sequence[RemoteIteration],
    performances: Mapping[UUID, Performance],
) -> _Changes:
    """Let the iterations be those that Azure has, but for those in training."""
    ids = {each.id for each in remote}
    deleted = [row.pk for row in known if row.remote_id and row.remote_id not in ids and row.status not in _IN_TRAINING]
    project.iterations.filter(pk__in=deleted).delete()
    by_remote_id = {row.remote_id: row for row in project.iterations.all()}
    # Cleared first, so that two can swap their names; nothing may have changed, so modified_at stays.
    project.iterations.published().update(publish_name="", modified_at=F("modified_at"))
    new = changed = 0
    for each in sorted(remote, key=lambda each: each.trained_at or timezone.now()):
        row = by_remote_id.get(each.id)
        if not each.is_over or (row and row.status in _IN_TRAINING):
            continue
        is_new = row is None
        row = row or Iteration(project=project, remote_id=each.id, number=project.take_number())
        before = [getattr(row, name) for name in MIRRORED]
        mirror_iteration(row, each, performances.get(each.id))
        is_changed = before != [getattr(row, name) for name in MIRRORED]
        new += is_new
        changed += not is_new and is_changed
        row.save(update_fields=None if is_changed else MIRRORED)
    return _Changes(new, changed, len(deleted))


def _sentence(tags: _Changes, iterations: _Changes) -> str:
    if not any(tags + iterations):
        return _("Nothing has changed at Azure Custom Vision.")
    sentence = _(
        "Brought in line with Azure Custom Vision: tags %(new_tags)s new, %(changed_tags)s changed, %(deleted_tags)s "
        "deleted; iterations %(new)s new, %(changed)s changed, %(deleted)s deleted."
    )
    return sentence % {**{f"{key}_tags": value for key, value in tags._asdict().items()}, **iterations._asdict()}
