"""Links to pictures that a program opens without a key, for a day."""

import re
import time
from uuid import UUID

from django.core.signing import Signer
from django.http import HttpRequest
from django.urls import get_script_prefix
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from typing_extensions import TypedDict

from accounts.keys import may_still_be_used
from catalog.models import Picture
from customvision.lookups import key_of
from customvision.models import StoredPrediction
from training.models import Image

LIFE_S = 24 * 3600
PREFIX = "/customvision/files/"
_SALT = "customvision.files"
_PREDICTION = re.compile(
    r"predictionimages/(?P<project>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/(?P<kind>[ot])-(?P<prediction>[0-9a-f]{32})"
)


class PictureLinks(TypedDict):
    """Signed addresses of a picture's files. Pictures are stored whole, so the resized one is the original."""

    resized_image_uri: str
    thumbnail_uri: str
    original_image_uri: str


def image_links(request: HttpRequest, image: Image, project_uid: UUID) -> PictureLinks:
    folder = f"i-{project_uid.hex}"
    return _links(request, f"{folder}/i-{image.uid.hex}", f"{folder}/t-{image.uid.hex}")


def prediction_links(request: HttpRequest, stored: StoredPrediction, project_uid: UUID) -> PictureLinks:
    folder = f"predictionimages/{project_uid}"
    return _links(request, f"{folder}/o-{stored.uid.hex}", f"{folder}/t-{stored.uid.hex}")


def prediction_picture(path: str) -> tuple[Picture, str] | None:
    """Return what is at such a path, the picture and the kind, or None where there is nothing."""
    match = _PREDICTION.fullmatch(path)
    if match is None:
        return None
    rows = StoredPrediction.objects.filter(project__uid=match["project"], uid=match["prediction"])
    stored = rows.select_related("picture").first()
    return (stored.picture, match["kind"]) if stored else None


def signed(request: HttpRequest, path: str) -> str:
    """Return the whole address of that file, which opens it for LIFE_S seconds, as long as the request's key works."""
    key, expires = str(key_of(request).pk), str(int(time.time()) + LIFE_S)
    query = f"sk={key}&se={expires}&sig={_signature(path, key, expires)}"
    return request.build_absolute_uri(f"{get_script_prefix()}{PREFIX[1:]}{path}?{query}")


def is_signed(request: HttpRequest, path: str) -> bool:
    """Say whether the request has a link of ours to that path, which has not expired and whose key still works."""
    key, expires = request.GET.get("sk", ""), request.GET.get("se", "")
    is_ours = constant_time_compare(request.GET.get("sig", ""), _signature(path, key, expires))
    return is_ours and int(expires) > time.time() and may_still_be_used(int(key), now=timezone.now())


def _links(request: HttpRequest, path: str, thumbnail_path: str) -> PictureLinks:
    whole = signed(request, path)
    return {
        "resized_image_uri": whole,
        "thumbnail_uri": signed(request, thumbnail_path),
        "original_image_uri": whole,
    }


def _signature(path: str, key: str, expires: str) -> str:
    return Signer(salt=_SALT).signature(f"{path}?{key}&{expires}")
