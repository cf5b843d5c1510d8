"""Answer a photo, and hold it until its verdict."""

import logging
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from catalog.binary_copy import copy_rows
from classifier.backends import get_backend
from classifier.backends.base import Answer
from classifier.models import PendingPhoto, Prediction
from engine.images import AdmittedPicture
from training.models import Iteration, Project

logger = logging.getLogger(__name__)


def predict(*, photo: AdmittedPicture, project: Project, by: User, held: PendingPhoto | None = None) -> Prediction:
    """Classify the photo, record the answer, and hold the photo until its verdict or its expiry.

    What is judged, held and perhaps kept later is one and the same file. A photo that was held already is answered
    once, however often it is sent again.

    Raises RefusedPicture, BackendUnavailable and BackendMisconfigured; then nothing was stored.
    """
    started = time.perf_counter()
    answer = get_backend(project.backend).predict(photo, project=project)
    milliseconds = 1000 * (time.perf_counter() - started)
    prediction = _unsaved(answer, project=project)
    prediction.user, prediction.milliseconds = by, milliseconds
    prediction.photo_sha256, prediction.photo_byte_size = photo.original_sha256, len(photo.original)
    with transaction.atomic():
        pending = _locked(held)
        if pending is not None and pending.prediction is not None:
            return pending.prediction
        prediction.save()
        if pending is None:
            _hold(photo.content, prediction=prediction, answer=answer)
        else:
            pending.prediction, pending.user = prediction, None
            pending.backbone, pending.vector, pending.expires_at = answer.backbone, answer.vector, _expiry()
            pending.save(update_fields=["prediction", "user", "backbone", "vector", "expires_at"])
    logger.info(
        "Predicted prediction=%s iteration=%s ms=%.1f",
        prediction.pk,
        answer.iteration_name,
        milliseconds,
    )
    return prediction


def try_iteration(*, photo: AdmittedPicture, iteration: Iteration) -> Prediction:
    """Return what a completed iteration, published or not, says of the photo; neither is stored.

    Raises RefusedPicture, BackendUnavailable and BackendMisconfigured.
    """
    project = iteration.project
    answer = get_backend(project.backend).quick_test(photo, iteration=iteration)
    logger.info("Tried iteration=%s project=%s", iteration.number, project.pk)
    return _unsaved(answer, project=project)


def _unsaved(answer: Answer, *, project: Project) -> Prediction:
    top = answer.predictions[0]
    return Prediction(
        project=project,
        iteration=answer.iteration,
        iteration_name=answer.iteration_name,
        probabilities=[[row.tag, row.probability] for row in answer.predictions],
        top_tag=top.tag,
        top_probability=top.probability,
    )


def _locked(held: PendingPhoto | None) -> PendingPhoto | None:
    """Return the row as it stands now: another request may have answered or purged it meanwhile."""
    return PendingPhoto.objects.select_for_update().filter(pk=held.pk).first() if held else None


def _hold(content: bytes, *, prediction: Prediction, answer: Answer) -> None:
    copy_rows(
        "classifier_pendingphoto",
        ["prediction_id", "content", "backbone", "vector", "expires_at"],
        [(prediction.pk, content, answer.backbone, answer.vector, _expiry())],
    )


def _expiry() -> datetime:
    return timezone.now() + timedelta(seconds=settings.CLASSIFR_PENDING_SECONDS)


def hold_photo(*, photo: AdmittedPicture, by: User) -> PendingPhoto:
    """Store a photo that no model could answer, so that it need not be sent again; the same one is stored once."""
    same = PendingPhoto.objects.filter(user=by, content=photo.content)
    same.update(expires_at=_expiry())
    return same.first() or PendingPhoto.objects.create(user=by, content=photo.content, expires_at=_expiry())


def purge_pending() -> int:
    """Erase the photos whose verdict, or whose answer, never came; return how many."""
    PendingPhoto.objects.correct_clock(_expiry())
    purged, _ = PendingPhoto.objects.expired(timezone.now()).delete()
    logger.info("Purged pending photos=%s", purged)
    return purged
