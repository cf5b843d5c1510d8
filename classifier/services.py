"""Answer a photo, and hold it until its verdict."""

import hashlib
import logging
import time
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from classifier.backends import get_backend
from classifier.backends.base import Answer
from classifier.models import PendingPhoto, Prediction
from engine import images
from training.models import Project

logger = logging.getLogger(__name__)


def classify(*, content: bytes, project: Project) -> Answer:
    """Return what the project's backend says of the photo; nothing is stored.

    Raises RefusedPicture, BackendUnavailable and BackendMisconfigured.
    """
    return get_backend(project.backend).predict(content, project=project)


def predict(*, content: bytes, project: Project, by: User) -> Prediction:
    """Classify the photo, record the answer, and hold the photo until its verdict or its expiry.

    The metadata goes first: what is judged, held and perhaps kept later is one and the same file.

    Raises what `classify` does; then nothing was stored.
    """
    started = time.perf_counter()
    bare = images.strip_metadata(content)
    answer = classify(content=bare, project=project)
    milliseconds = 1000 * (time.perf_counter() - started)
    top = answer.predictions[0]
    with transaction.atomic():
        prediction = Prediction.objects.create(
            user=by,
            project=project,
            iteration=answer.iteration,
            iteration_name=answer.iteration_name,
            probabilities=[[each.tag, each.probability] for each in answer.predictions],
            top_tag=top.tag,
            top_probability=top.probability,
            photo_sha256=hashlib.sha256(content).hexdigest(),
            photo_byte_size=len(content),
            milliseconds=milliseconds,
        )
        PendingPhoto.objects.create(
            prediction=prediction,
            content=bare,
            backbone=answer.backbone,
            vector=answer.vector,
            expires_at=timezone.now() + timedelta(seconds=settings.CLASSIFR_PENDING_SECONDS),
        )
    logger.info(
        "Predicted prediction=%s iteration=%s ms=%.1f",
        prediction.pk,
        answer.iteration_name,
        milliseconds,
    )
    return prediction


def purge_pending() -> int:
    """Erase the photos whose verdict never came; return how many."""
    purged, _ = PendingPhoto.objects.expired(timezone.now()).delete()
    logger.info("Purged pending photos=%s", purged)
    return purged
