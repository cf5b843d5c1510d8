"""What is in the bin is erased for good: when a reviewer says so, or when its days are over."""

import logging
from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from acts.services import forget
from catalog.exceptions import StorageUnavailable
from catalog.services import discard_picture
from feedback.models import Misprediction, MispredictionQuerySet
from feedback.services.locks import locked_one
from feedback.services.review import KIND

logger = logging.getLogger(__name__)

MOST_REFUSALS = 10
"""In a row: with more, it is the storage that is away, and the rest is left for the next time."""


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
        misprediction = locked_one(mispredictions.filter(pk=pk))
        if misprediction is None:
            return False
        forget(kind=KIND, object_ids=[str(pk)])
        misprediction.delete()
        discard_picture(misprediction.picture)
    return True
