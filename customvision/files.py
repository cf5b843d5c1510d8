"""Links to pictures that a program opens without a key, for a day."""

import re
import time
from uuid import UUID

from django.core.signing import Signer
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from catalog.models import Picture
from customvision.models import StoredPrediction
from training.models import Image

LIFE_S = 24 * 3600
PREFIX = "/customvision/files/"
_SALT = "customvision.files"
_PREDICTION = re.compile(
    r"predictionimages/(?P<project>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/(?P<kind>[ot])-(?P<prediction>[0-9a-f]{32})"
)


def image_path(image: Image, project_uid: UUID, *, kind: str = "i") -> str:
    """Return the path of an image's file below PREFIX; kind: "i" for the picture, "t" for its thumbnail."""
    return f"i-{project_uid.hex}/{kind}-{image.uid.hex}"


def prediction_path(stored: StoredPrediction, project_uid: UUID, *, kind: str = "o") -> str:
    """Return the path of a stored prediction's file; kind: "o" for the picture, "t" for its thumbnail."""
    return f"predictionimages/{project_uid}/{kind}-{stored.uid.hex}"


def prediction_picture(path: str) -> tuple[Picture, str] | None:
    """Return what is at such a path, the picture and the kind, or None where there is nothing."""
    found = _PREDICTION.fullmatch(path)
    if found is None:
        return None
    rows = StoredPrediction.objects.filter(project__uid=found["project"], uid=found["prediction"])
    stored = rows.select_related("picture").first()
    return (stored.picture, found["kind"]) if stored else None


def signed(request: HttpRequest, path: str) -> str:
    """Return the whole address of that file, which opens it for LIFE_S seconds."""
    expires = str(int(time.time()) + LIFE_S)
    return request.build_absolute_uri(f"{PREFIX}{path}?se={expires}&sig={_signature(path, expires)}")


def is_signed(request: HttpRequest, path: str) -> bool:
    """Say whether the request has a link of ours to that path, which has not expired."""
    expires = request.GET.get("se", "")
    is_ours = constant_time_compare(request.GET.get("sig", ""), _signature(path, expires))
    return is_ours and int(expires) > time.time()


def _signature(path: str, expires: str) -> str:
    return Signer(salt=_SALT).signature(f"{path}?{expires}")
