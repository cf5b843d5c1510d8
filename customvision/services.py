"""Store answers with their pictures, and discard them."""

import logging
from collections.abc import Collection, Iterable
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from acts.services import Doer, forget
from catalog.exceptions import StorageUnavailable
from catalog.services import discard_picture, store_picture, store_vector
from catalog.storage import blobs
from classifier.backends.base import Answer
from customvision.fields import single
from customvision.models import StoredPrediction, StoredPredictionQuerySet
from engine.images import AdmittedPicture
from engine.uncertainty import uncertainty
from feedback.models import Misprediction
from feedback.services.locks import locked_one
from feedback.services.review import KIND, adopt
from feedback.services.verdicts import PERCENT_STEP
from training.labels import Labels
from training.models import Iteration, Project

logger = logging.getLogger(__name__)

_ROWS_AT_ONCE = 500


def store_prediction(
    *,
    uid: UUID,
    photo: AdmittedPicture,
    iteration: Iteration,
    labels: Labels,
    answer: Answer,
    application: str = "",
    by: User | None,
) -> StoredPrediction | None:
    """Store an answer, its picture and the picture's vector; None where CLASSIFR_PREDICTION_DAYS is 0.

    photo: what the answer is about. labels: of the iteration. When the storage is unavailable, the bytes wait
    in the database, and the caller does not.
    """
    if not settings.CLASSIFR_PREDICTION_DAYS:
        return None
    shares = np.array([[share.probability for share in answer.predictions]])
    with transaction.atomic():
        picture = store_picture(photo, by=by, may_wait=True)
        if answer.vector is not None:
            store_vector(picture=picture, backbone=answer.backbone, value=answer.vector)
        return StoredPrediction.objects.create(
            uid=uid,
            project=iteration.project,
            iteration_uid=iteration.uid,
            picture=picture,
            predictions={
                str(label.uid): [single(share.probability), label.name, label.type]
                for share in answer.predictions
                for label in [labels[share.tag]]
            },
            uncertainty=float(uncertainty(shares, multilabel=iteration.project.is_multilabel)[0]),
            application=application,
        )


def queue_for_review() -> int:
    """Give stored predictions their places in the reviewers' queue; return how many had none.

    Not where they are stored: a program does not wait for that.
    """
    queued = 0
    while batch := _queue_some(StoredPrediction.objects.exclude(project=None)):
        queued += batch
    logger.info("Queued for review stored predictions=%s", queued)
    return queued


def _queue_some(predictions: StoredPredictionQuerySet) -> int:
    with transaction.atomic():
        free = predictions.filter(misprediction=None).select_for_update(skip_locked=True, of=("self",))
        batch = list(free.select_related("picture", "project").order_by("pk")[:_ROWS_AT_ONCE])
        uids = {stored.iteration_uid for stored in batch}
        names = dict(Iteration.objects.filter(uid__in=uids).values_list("uid", "name"))
        rows = Misprediction.objects.bulk_create(
            _in_queue(stored, iteration_name=names.get(stored.iteration_uid, "")) for stored in batch
        )
        for stored, row in zip(batch, rows, strict=True):
            stored.misprediction = row
        StoredPrediction.objects.bulk_update(batch, ["misprediction"])
    return len(batch)


def _in_queue(stored: StoredPrediction, *, iteration_name: str) -> Misprediction:
    project = stored.project
    assert project is not None  # noqa: S101  # those without one are purged, not queued
    shares = sorted(stored.predictions.values(), key=lambda share: -share[0])
    return Misprediction(
        source=Misprediction.Source.PROGRAM,
        picture=stored.picture,
        image_url=blobs().address(stored.picture.blob_key),
        tag=shares[0][1],
        probability=Decimal(100 * shares[0][0]).quantize(PERCENT_STEP),
        username=stored.application[:150],
        probabilities=[[name, share] for share, name, _type in shares],
        iteration_name=iteration_name,
        project=project,
        project_name=project.name,
    )


def note_learned(project: Project, predictions: Collection[StoredPrediction], *, by: Doer) -> None:
    """Have the queue say of these that a program has made images of them; those without a tag leave it.

    Raises StorageUnavailable.
    """
    images = project.images.filter(picture__in=[stored.picture_id for stored in predictions]).prefetch_related("tags")
    tagged = {image.picture_id: image for image in images if image.tags.all()}
    learned = StoredPrediction.objects.filter(pk__in=[each.pk for each in predictions if each.picture_id in tagged])
    _queue_some(learned)
    adopt({key: tagged[picture] for key, picture in learned.values_list("misprediction", "picture")}, by=by)
    discard_predictions(each for each in predictions if each.picture_id not in tagged)


def discard_predictions(predictions: Iterable[StoredPrediction]) -> int:
    """Delete these, and their pictures unless something else points at them; return how many.

    They leave the reviewers' queue too, but for those that were corrected: a model learns from these.

    Raises StorageUnavailable; what was deleted until then stays so.
    """
    discarded = 0
    for prediction in predictions:
        with transaction.atomic():
            row = locked_one(Misprediction.objects.filter(stored_prediction=prediction))
            prediction.delete()
            if row and row.state != Misprediction.State.CORRECTED:
                forget(kind=KIND, object_ids=[str(row.pk)])
                row.delete()
            discard_picture(prediction.picture)
        discarded += 1
    return discarded


def purge_predictions() -> int:
    """Discard what is older than CLASSIFR_PREDICTION_DAYS, or left by a project; return how many.

    It ends where the storage refuses: the rest is purged when it is called again.
    """
    due = StoredPrediction.objects.due(timezone.now() - timedelta(days=settings.CLASSIFR_PREDICTION_DAYS))
    purged = 0
    try:
        while batch := list(due.select_related("picture").order_by("pk")[:_ROWS_AT_ONCE]):
            purged += discard_predictions(batch)
    except StorageUnavailable as exc:
        logger.warning("Stored predictions are not all purged: %s", exc)
    logger.info("Purged stored predictions=%s", purged)
    return purged
