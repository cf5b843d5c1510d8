"""Take verdicts, and look after the photos that were called wrong."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from catalog.exceptions import StorageUnavailable
from catalog.services import discard_picture, read_picture, store_picture, store_vector
from catalog.storage import blobs
from classifier.models import PendingPhoto, Prediction
from engine import images
from feedback.exceptions import TooLate
from feedback.models import Misprediction, MispredictionQuerySet, Verdict

logger = logging.getLogger(__name__)

PERCENT_STEP = Decimal("0.0001")
MOST_REFUSALS = 10
"""In a row: with more, it is the storage that is away, and the rest is left for the next time."""


def give_verdict(*, prediction: Prediction, value: Verdict.Value, by: User) -> tuple[Verdict, bool]:
    """Record the verdict; the photo is erased on OK and stored for review on NOK. The first of two verdicts stands.

    Return the verdict that stands, and whether it is the one given now.

    A NOK that comes when the photo has expired is recorded without a misprediction. One that the storage refuses counts
    like any other: the photo waits in the database. Raises Prediction.DoesNotExist if it was erased meanwhile.
    """
    with transaction.atomic():
        _lock(prediction)
        verdict, is_new = Verdict.objects.get_or_create(prediction=prediction, defaults={"user": by, "value": value})
        if not is_new:
            return verdict, False
        photo = PendingPhoto.objects.waiting(timezone.now()).filter(prediction=prediction).first()
        if value == Verdict.Value.NOK and photo is not None:
            _put_in_review(verdict, photo)
        PendingPhoto.objects.filter(prediction=prediction).delete()
    logger.info("Verdict prediction=%s user=%s value=%s", prediction.pk, by.pk, value)
    return verdict, True


def withdraw_verdict(*, prediction: Prediction) -> bool:
    """Take the verdict back, so that another can be given. Return whether the photo waits for that one.

    After NOK the photo leaves the review, or the bin, and waits again; after OK it was erased. Without a verdict
    nothing changes. Raises TooLate, StorageUnavailable, and Prediction.DoesNotExist if it was erased meanwhile; then
    nothing has changed.
    """
    now = timezone.now()
    with transaction.atomic():
        _lock(prediction)
        verdict = Verdict.objects.filter(prediction=prediction).first()
        if verdict is None:
            return PendingPhoto.objects.waiting(now).filter(prediction=prediction).exists()
        if now >= verdict.undo_until:
            raise TooLate
        misprediction = _locked(Misprediction.objects.filter(verdict=verdict))
        if misprediction:
            _return_to_pending(prediction, misprediction)
        verdict.delete()
        if misprediction:
            discard_picture(misprediction.picture)  # last: a blob that is deleted does not come back
    logger.info("Withdrawn verdict prediction=%s value=%s", prediction.pk, verdict.value)
    return misprediction is not None


def _return_to_pending(prediction: Prediction, misprediction: Misprediction) -> None:
    """Move a photo out of the review, back among the pending ones."""
    vector = misprediction.picture.vectors.order_by("pk").last()
    PendingPhoto.objects.create(
        prediction=prediction,
        content=read_picture(misprediction.picture),
        backbone=vector.backbone if vector else "",
        vector=vector.value if vector else None,
        expires_at=timezone.now() + timedelta(seconds=settings.CLASSIFR_PENDING_SECONDS),
    )
    misprediction.delete()


def _put_in_review(verdict: Verdict, photo: PendingPhoto) -> Misprediction:
    prediction = verdict.prediction
    admitted = images.admit(bytes(photo.content), limits=images.PREDICTION)
    picture = store_picture(admitted, by=verdict.user, may_wait=True)
    if photo.vector is not None:
        store_vector(picture=picture, backbone=photo.backbone, value=photo.vector)
    return Misprediction.objects.create(
        verdict=verdict,
        picture=picture,
        image_url=blobs().address(picture.blob_key),
        tag=prediction.top_tag,
        probability=Decimal(100 * prediction.top_probability).quantize(PERCENT_STEP),
        username=verdict.user.username if verdict.user else "",
        probabilities=prediction.probabilities,
        iteration_name=prediction.iteration_name,
        project=prediction.project,
        project_name=prediction.project.name,
    )


def keep_words(*, misprediction: Misprediction, **words: str) -> bool:
    """Keep what the sender says of it: suggestion and suggested_tag, or the comment.

    A later word replaces an earlier one. False: the photo was erased meanwhile.
    """
    return bool(Misprediction.objects.filter(pk=misprediction.pk).update(**words))


@dataclass(frozen=True)
class Erasure:
    """What came of erasing several."""

    erased: int
    shared: int
    """Of these, how many had a photo that stays, because somebody else sent it too or a model learns from it."""


def erase_predictions(predictions: Iterable[Prediction]) -> Erasure:
    """Erase what somebody sent: predictions, verdicts, photos and vectors, also those in review or in the bin.

    Each one is erased whole or not at all. Raises StorageUnavailable at the first that cannot be.
    """
    shared = [_erase_prediction(prediction) for prediction in predictions]
    erasure = Erasure(erased=sum(each is not None for each in shared), shared=sum(each is True for each in shared))
    logger.info("Erased predictions=%s shared=%s", erasure.erased, erasure.shared)
    return erasure


def _erase_prediction(prediction: Prediction) -> bool | None:
    """Erase it; return whether its photo stays for others. None: it was gone already."""
    with transaction.atomic():
        try:
            _lock(prediction)
        except Prediction.DoesNotExist:
            return None
        misprediction = _locked(Misprediction.objects.filter(verdict__prediction=prediction))
        if misprediction:
            misprediction.delete()
        Prediction.objects.filter(pk=prediction.pk).delete()
        return misprediction is not None and not discard_picture(misprediction.picture)


def move_to_bin(mispredictions: MispredictionQuerySet, *, by: User) -> list[int]:
    """Hide these from the review until they are restored or erased; return the keys of those that were not yet."""
    now = timezone.now()
    with transaction.atomic():
        moved = list(mispredictions.in_review().select_for_update().order_by("pk").values_list("pk", flat=True))
        Misprediction.objects.filter(pk__in=moved).update(deleted_at=now, deleted_by=by)
    logger.info("Moved to the bin mispredictions=%s user=%s", len(moved), by.pk)
    return moved


def restore(mispredictions: MispredictionQuerySet) -> int:
    """Take these out of the bin; return how many were in it."""
    restored = mispredictions.in_bin().update(deleted_at=None, deleted_by=None)
    logger.info("Restored mispredictions=%s", restored)
    return restored


def erase_mispredictions(mispredictions: MispredictionQuerySet) -> int:
    """Erase rows, photos and vectors that are in the bin; the verdicts stay, for they count. Return how many it were.

    Each one is erased whole or not at all, and only if it is still among these when its turn comes. Raises
    StorageUnavailable at the first that cannot be.
    """
    binned = mispredictions.in_bin()
    erased = sum(_erase_misprediction(binned, pk) for pk in binned.order_by("pk").values_list("pk", flat=True))
    logger.info("Erased mispredictions=%s", erased)
    return erased


def empty_bin(*, days: int, report: Callable[[str], None]) -> int:
    """Erase what has been in the bin for that many days; return how many were erased.

    What the storage refuses is reported by its blob key, and stays for the next time; the rest goes on.
    """
    expired = Misprediction.objects.expired(timezone.now(), days=days)
    erased = refusals = 0
    # In no order: a few that are refused for ever must not always come first and end the round.
    for pk in expired.order_by("?").values_list("pk", flat=True):
        try:
            erased += _erase_misprediction(expired, pk)
            refusals = 0
        except StorageUnavailable as exc:
            logger.warning("Not erased misprediction=%s: %s", pk, exc, exc_info=exc)
            report(exc.key)
            refusals += 1
        if refusals == MOST_REFUSALS:
            break
    logger.info("Emptied the bin mispredictions=%s", erased)
    return erased


def _erase_misprediction(mispredictions: MispredictionQuerySet, pk: int) -> bool:
    with transaction.atomic():
        misprediction = _locked(mispredictions.filter(pk=pk))
        if misprediction is None:
            return False
        misprediction.delete()
        discard_picture(misprediction.picture)
    return True


def _lock(prediction: Prediction) -> None:
    """Let those who judge, withdraw or delete it wait for each other. Raises Prediction.DoesNotExist.

    Locks are taken in this order: prediction, misprediction, picture.
    """
    Prediction.objects.select_for_update().only("pk").get(pk=prediction.pk)


def _locked(mispredictions: MispredictionQuerySet) -> Misprediction | None:
    """Return the one that is found, once whoever restores, deletes or erases it has finished; None if it is gone."""
    return mispredictions.select_for_update(of=("self",)).select_related("picture").first()
