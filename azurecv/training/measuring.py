"""An iteration at Azure, measured here: what it says, by quick test, of the pictures that Azure never got."""

import logging
from collections.abc import Mapping, Sequence
from uuid import UUID

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _

from azurecv.training.calls import Calls
from catalog.exceptions import StorageUnavailable
from catalog.locks import lock_blobs_shared
from catalog.models import Picture
from catalog.services import read_picture
from engine.heads import Floats
from engine.splitting import Part
from jobs.progress import Progress
from training import evaluation, examples, snapshots
from training.exceptions import Refused, TrainingError
from training.models import Iteration, Tag
from training.snapshots import Snapshot

logger = logging.getLogger(__name__)

NOT_MEASURED = "not_measured"
"""In the metrics: why the figures are Azure's own, though pictures are held out."""


def measure(calls: Calls, iteration: Iteration, *, tags: Sequence[str], progress: Progress) -> None:
    """Give a completed iteration figures that compare with those of others, and save them.

    Azure's own stay where nothing is held out, or the iteration cannot be asked; then they say why. tags: names of the
    only ones that it was trained on, if there are. Raises StorageUnavailable and JobStopped.
    """
    try:
        snapshot = _ask(calls, iteration, tags, progress)
    except TrainingError as exc:
        logger.warning("Not measured iteration=%s: %s", iteration.pk, exc)
        iteration.metrics = {**iteration.metrics, NOT_MEASURED: str(exc)}
        return
    if snapshot is None:
        return
    with transaction.atomic():
        lock_blobs_shared()
        iteration.snapshot_key = snapshots.write(snapshot)
        iteration.metrics = evaluation.figures(snapshot)
        iteration.save(update_fields=["snapshot_key", "metrics"])


def _ask(calls: Calls, iteration: Iteration, tags: Sequence[str], progress: Progress) -> Snapshot | None:
    """Ask the iteration about every held-out picture, one call each; return what it says, None where there is none.

    A picture that was deleted meanwhile, or that Azure does not take, is left out.
    """
    project = iteration.project
    chosen = [tag for tag in examples.chosen_tags(project, tags) if tag.remote_id]
    columns = [tag for tag in chosen if not (project.is_multilabel and tag.is_negative)]
    known = examples.read_examples(chosen)
    if not project.is_multilabel:  # it may be so by now
        known = tuple(each for each in known if len(each.tag_ids) == 1)
    sent = set(project.images.exclude(remote_id=None).values_list("pk", flat=True))
    asked = [each for each in known if each.part == Part.HELD_OUT and each.image_id not in sent]
    said: dict[str, Mapping[UUID, float]] = {}
    for each in progress.over(asked, _("Measuring on the held-out images"), total=len(asked)):
        content = content_of(each.sha256)
        if content and (probabilities := calls.quick_test(project, content, iteration)):
            said[each.sha256] = probabilities
    if not asked:
        return None
    if not said:
        raise Refused(_("None of the held-out pictures can be read."))
    used = [each for each in known if each.sha256 in said or each.image_id in sent]
    return Snapshot(
        tags=tuple(tag.name for tag in columns),
        tag_ids=tuple(tag.pk for tag in columns),
        sha256s=tuple(each.sha256 for each in used),
        truths=examples.truths_of(used, columns),
        learned=np.array([each.image_id in sent for each in used], dtype=np.bool_),
        measured=np.array([each.sha256 in said for each in used], dtype=np.bool_),
        probabilities=_probabilities([said[each.sha256] for each in used if each.sha256 in said], columns),
        multilabel=project.is_multilabel,
    )


def content_of(sha256: str) -> bytes | None:
    """Return a picture's bytes, or None for one that was deleted since, or cannot be read."""
    picture = Picture.objects.filter(sha256=sha256).first()
    try:
        return read_picture(picture) if picture else None
    except StorageUnavailable:
        return None


def _probabilities(said: Sequence[Mapping[UUID, float]], columns: Sequence[Tag]) -> Floats:
    """Return (n, columns); a tag that the iteration does not tell has 0."""
    rows = [[each.get(tag.remote_id, 0.0) for tag in columns if tag.remote_id] for each in said]
    return np.array(rows, dtype=np.float32)
