"""Take verdicts, and look after the photos that were called wrong."""

import logging
from collections.abc import Iterable
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from catalog.services import discard_picture, keep_picture, keep_vector
from catalog.storage import blobs
from classifier.models import PendingPhoto, Prediction
from engine import images
from feedback.models import Misprediction, Verdict

logger = logging.getLogger(__name__)

PERCENT_STEP = Decimal("0.0001")


def give_verdict(*, prediction: Prediction, value: Verdict.Value, by: User) -> tuple[Verdict, bool]:
    """Record the verdict; the photo is erased on OK and stored for review on NOK. The first of two verdicts stands.

    Return the verdict that stands, and whether it is the one given now.

    A NOK that comes when the photo has expired is recorded without a misprediction. One that the storage refuses counts
    like any other: the photo waits in the database.
    """
    with transaction.atomic():
        verdict, is_new = Verdict.objects.get_or_create(prediction=prediction, defaults={"user": by, "value": value})
        if not is_new:
            return verdict, False
        photo = PendingPhoto.objects.waiting(timezone.now()).filter(prediction=prediction).first()
        if value == Verdict.Value.NOK and photo is not None:
            _keep_for_review(verdict, photo)
        PendingPhoto.objects.filter(prediction=prediction).delete()
    logger.info("Verdict prediction=%s user=%s value=%s", prediction.pk, by.pk, value)
    return verdict, True


def _keep_for_review(verdict: Verdict, photo: PendingPhoto) -> Misprediction:
    prediction = verdict.prediction
    picture = keep_picture(content=bytes(photo.content), limits=images.PREDICTION, by=verdict.user, may_wait=True)
    if photo.vector is not None:
        keep_vector(picture=picture, backbone=photo.backbone, value=photo.vector)
    return Misprediction.objects.create(
        verdict=verdict,
        picture=picture,
        image_url=blobs().address(picture.blob_key),
        tag=prediction.top_tag,
        probability=Decimal(100 * prediction.top_probability).quantize(PERCENT_STEP),
        username=verdict.user.username if verdict.user else "",
        probabilities=prediction.probabilities,
        iteration_name=prediction.iteration_name,
        project_name=prediction.project.name,
    )


def name_right_tag(*, misprediction: Misprediction, suggested_tag: str, comment: str) -> None:
    """Keep what the sender says it is; a later word replaces an earlier one."""
    misprediction.suggested_tag = suggested_tag
    misprediction.comment = comment
    misprediction.save(update_fields=["suggested_tag", "comment"])


def erase_mispredictions(mispredictions: Iterable[Misprediction]) -> int:
    """Erase rows, photos and vectors; the verdicts stay, for they count. Return how many were erased.

    Each one is erased whole or not at all. Raises StorageUnavailable at the first that cannot be.
    """
    erased = 0
    for misprediction in mispredictions:
        with transaction.atomic():
            deleted, _ = Misprediction.objects.filter(pk=misprediction.pk).delete()
            discard_picture(misprediction.picture)
        erased += deleted
    logger.info("Erased mispredictions=%s", erased)
    return erased
