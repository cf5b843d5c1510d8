"""What one person sent, in a ZIP of their own: `uploads.json` and the photos that are kept."""

import io
import json
import logging
import zipfile
from collections.abc import Iterator
from typing import Any

from django.utils import timezone

from catalog.exceptions import StorageUnavailable
from catalog.services import read_picture
from classifier.models import PendingPhoto, Prediction, PredictionQuerySet
from feedback.models import Misprediction, Verdict

logger = logging.getLogger(__name__)

_ROWS_AT_ONCE = 50
"""Photos that wait for a verdict come along."""
_ENDINGS = {"JPEG": "jpg", "PNG": "png", "BMP": "bmp", "GIF": "gif"}


class _Pipe(io.RawIOBase):
    """What is written to it is taken out again piece by piece: the ZIP is nowhere whole."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def export_uploads(predictions: PredictionQuerySet) -> Iterator[bytes]:
    """Yield a ZIP piece by piece, a photo at a time, the newest first; `uploads.json` comes last.

    A photo that cannot be read at the moment is left out, and `uploads.json` says so.
    """
    pipe = _Pipe()
    told = []
    rows = predictions.select_related("project", "verdict__misprediction__picture", "pending_photo").order_by("-pk")
    with zipfile.ZipFile(pipe, "w") as archive:
        for prediction in rows.iterator(chunk_size=_ROWS_AT_ONCE):
            name, content = _photo(prediction)
            if content is not None:
                archive.writestr(name, content)
            told.append(_told(prediction, photo=name if content is not None else None))
            yield pipe.take()
        archive.writestr("uploads.json", json.dumps(told, ensure_ascii=False, indent=1), zipfile.ZIP_DEFLATED)
    yield pipe.take()


def _photo(prediction: Prediction) -> tuple[str, bytes | None]:
    """Return the photo's name in the ZIP, and its bytes; None where it is not kept, or cannot be read now."""
    row = _misprediction(prediction)
    if row is None:
        pending: PendingPhoto | None = getattr(prediction, "pending_photo", None)
        waits = pending and pending.expires_at > timezone.now()
        return f"photos/{prediction.pk}.jpg", bytes(pending.content) if pending and waits else None
    name = f"photos/{prediction.pk}.{_ENDINGS[row.picture.format]}"
    try:
        return name, read_picture(row.picture)
    except StorageUnavailable as exc:
        logger.warning("Not exported prediction=%s: %s", prediction.pk, exc)
        return name, None


def _told(prediction: Prediction, *, photo: str | None) -> dict[str, Any]:
    verdict: Verdict | None = getattr(prediction, "verdict", None)
    row = _misprediction(prediction)
    told: dict[str, Any] = {
        "id": prediction.pk,
        "sent_at": prediction.created_at.isoformat(),
        "project": prediction.project.name,
        "iteration": prediction.iteration_name,
        "probabilities": dict(prediction.probabilities),
        "photo": photo,
        "verdict": verdict.value if verdict else None,
    }
    if row:
        told |= {
            "suggestion": row.suggested_tag or row.suggestion or None,
            "comment": row.comment,
            "review": {"state": row.state, "reason": row.dismissal or None, "tags": row.right_names},
        }
    return told


def _misprediction(prediction: Prediction) -> Misprediction | None:
    verdict: Verdict | None = getattr(prediction, "verdict", None)
    return getattr(verdict, "misprediction", None)
