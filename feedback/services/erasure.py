"""What a sender erases disappears from everywhere, from training too."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction

from acts.services import forget
from catalog.services import discard_picture
from classifier.models import Prediction
from feedback.models import Misprediction
from feedback.services.locks import lock, locked_one
from feedback.services.review import KIND
from training.models import Image
from training.services.corrections import forget_images, note_erasure

logger = logging.getLogger(__name__)


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
            lock(prediction)
        except Prediction.DoesNotExist:
            return None
        misprediction = locked_one(Misprediction.objects.filter(verdict__prediction=prediction))
        if misprediction:
            forget_lesson(misprediction)
            misprediction.delete()
        Prediction.objects.filter(pk=prediction.pk).delete()
        return misprediction is not None and not discard_picture(misprediction.picture)


def forget_lesson(misprediction: Misprediction) -> None:
    """Take the image that its correction made out of training, unless another sender's correction stands for it.

    What the log says of it is forgotten too: its row is about to go.
    """
    forget(kind=KIND, object_ids=[str(misprediction.pk)])
    same = Misprediction.objects.filter(project=misprediction.project_id, picture=misprediction.picture_id)
    image = Image.objects.filter(
        project=misprediction.project_id, picture=misprediction.picture_id, source=Image.Source.CORRECTION
    ).first()
    if image and not same.filter(state=Misprediction.State.CORRECTED).exclude(pk=misprediction.pk).exists():
        note_erasure(image)
        forget_images(image.project, [image])
