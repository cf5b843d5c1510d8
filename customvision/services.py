"""Store answers with their pictures, and discard them."""

import logging
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from catalog.exceptions import StorageUnavailable
from catalog.services import discard_picture, store_picture, store_vector
from classifier.backends.base import Answer
from customvision.fields import single
from customvision.models import StoredPrediction
from engine.images import AdmittedPicture
from engine.uncertainty import uncertainty
from training.labels import Labels
from training.models import Iteration

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


def discard_predictions(predictions: Iterable[StoredPrediction]) -> int:
    """Delete these, and their pictures unless something else points at them; return how many.

    Raises StorageUnavailable; what was deleted until then stays so.
    """
    discarded = 0
    for prediction in predictions:
        with transaction.atomic():
            prediction.delete()
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
