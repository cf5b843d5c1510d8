"""Take verdicts, and the words of those who gave them."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.models import User
from acts.exceptions import Changed, NotUndone
from acts.services import Doer, record, standing_act, undo
from acts.verbs import Change, Verb
from catalog.services import discard_picture, read_picture, store_picture, store_vector
from catalog.storage import blobs
from classifier.models import PendingPhoto, Prediction
from engine import images
from feedback.exceptions import TooLate
from feedback.models import Misprediction, Verdict
from feedback.services.erasure import forget_lesson
from feedback.services.locks import lock, locked_one

logger = logging.getLogger(__name__)

KIND = "prediction"
PERCENT_STEP = Decimal("0.0001")


def give_verdict(*, prediction: Prediction, value: Verdict.Value, by: User) -> tuple[Verdict, bool]:
    """Record the verdict; the photo is erased on OK and stored for review on NOK. The first of two verdicts stands.

    Return the verdict that stands, and whether it is the one given now.

    A NOK that comes when the photo has expired is recorded without a misprediction. One that the storage refuses counts
    like any other: the photo waits in the database. Raises Prediction.DoesNotExist if it was erased meanwhile.
    """
    with transaction.atomic():
        lock(prediction)
        if verdict := Verdict.objects.filter(prediction=prediction).first():
            return verdict, False
        verdict = _give(prediction, value, by=by)
        change = Change(KIND, str(prediction.pk), None, value.value)
        record(verb="verdict", by=Doer.person(by), changes=[change], undo_until=verdict.undo_until)
    logger.info("Verdict prediction=%s user=%s value=%s", prediction.pk, by.pk, value)
    return verdict, True


def _give(prediction: Prediction, value: Verdict.Value, *, by: User) -> Verdict:
    verdict = Verdict.objects.create(prediction=prediction, user=by, value=value)
    photo = PendingPhoto.objects.waiting(timezone.now()).filter(prediction=prediction).first()
    if value == Verdict.Value.NOK and photo is not None:
        _put_in_review(verdict, photo)
    PendingPhoto.objects.filter(prediction=prediction).delete()
    return verdict


def withdraw_verdict(*, prediction: Prediction, by: User) -> bool:
    """Take the verdict back, so that another can be given. Return whether the photo waits for that one.

    After NOK the photo leaves the review, or the bin, and waits again; after OK it was erased. Without a verdict
    nothing changes. Raises TooLate, StorageUnavailable, and Prediction.DoesNotExist if it was erased meanwhile; then
    nothing has changed.
    """
    act = standing_act(kind=KIND, object_id=str(prediction.pk), by=by)
    if act:
        # The act is locked before the prediction, as wherever acts are taken back.
        with suppress(NotUndone):  # somebody was quicker
            undo(act=act, by=by)
    with transaction.atomic():
        lock(prediction)
        if not act:
            _withdraw(prediction)
        return PendingPhoto.objects.waiting(timezone.now()).filter(prediction=prediction).exists()


def _withdraw(prediction: Prediction) -> None:
    verdict = Verdict.objects.filter(prediction=prediction).first()
    if verdict is None:
        return
    if not verdict.can_be_withdrawn:
        raise TooLate
    misprediction = locked_one(Misprediction.objects.filter(verdict=verdict))
    if misprediction:
        _return_to_pending(prediction, misprediction)
    verdict.delete()
    if misprediction:
        discard_picture(misprediction.picture)  # last: a blob that is deleted does not come back
    logger.info("Withdrawn verdict prediction=%s value=%s", prediction.pk, verdict.value)


def _put_back(changes: Sequence[Change], by: User) -> None:
    """Take verdicts back, or give them again."""
    for change in changes:
        prediction = Prediction.objects.select_for_update().filter(pk=change.object_id).first()
        stands = Verdict.objects.filter(prediction=prediction).values_list("value", flat=True).first()
        if prediction is None or stands != change.before:
            raise Changed(_("This verdict is another one by now."))
        if change.after is None:
            _withdraw(prediction)
        else:
            _give(prediction, Verdict.Value(change.after), by=by)


VERDICT = Verb(pgettext_lazy("act", "gave a verdict"), _put_back, noun=gettext_lazy("prediction"))


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
    forget_lesson(misprediction)
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
