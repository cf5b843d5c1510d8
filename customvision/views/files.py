"""Files behind links, for who has the link, and behind paths, for who has the key."""

import re
from http import HTTPStatus
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from ninja import Query

from catalog.exceptions import StorageUnavailable
from catalog.models import Picture
from catalog.services import read_picture, thumbnail
from customvision.errors import ApiError, not_found, problem
from customvision.fields import Shape
from customvision.files import is_signed, prediction_picture
from customvision.lookups import find_project
from customvision.routers import training as router
from engine.exceptions import RefusedPicture
from engine.images import FORMATS
from training.models import Image

_IMAGE = re.compile(r"i-(?P<project>[0-9a-f]{32})/(?P<kind>[it])-(?P<image>[0-9a-f]{32})")


class Artifact(Shape):
    path: str


@csrf_exempt
@require_safe
def signed_file(request: HttpRequest, path: str) -> HttpResponseBase:
    """Show what is at that path, on pages of any site, to whoever has a link of ours that has not expired."""
    try:
        if not is_signed(request, path):
            sentence = (
                "The link is not signed by this server, has expired, or was made for a key that no longer works: list "
                "the images again for a new one."
            )
            raise ApiError("Forbidden", sentence, status=HTTPStatus.FORBIDDEN)
        answer = open_path(path)
    except ApiError as exc:
        return problem(exc.code, exc.message, status=exc.status, headers=exc.headers)
    patch_cache_control(answer, private=True, no_cache=True)  # the key may be revoked, the picture erased
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return get_conditional_response(request, etag=answer.headers["ETag"], response=answer) or answer


@router.get("/projects/{uuid:project_id}/artifacts", response=bytes)
def get_artifact(request: HttpRequest, project_id: UUID, artifact: Query[Artifact]) -> HttpResponse:
    """Send a file of the project."""
    project = find_project(request, project_id)
    path = artifact.path.partition("?")[0].strip("/").lower()
    if project.uid.hex not in path.rpartition("/")[0].replace("-", ""):
        sentence = f"The path {artifact.path[:200]!r} is not in this project; /i-{project.uid.hex}/i-… is accepted."
        raise ApiError("BadRequestInvalidArtifactUri", sentence)
    answer = open_path(path)
    answer.headers["Content-Type"] = "application/octet-stream"
    return answer


def open_path(path: str) -> HttpResponse:
    """Return the file at that path, as customvision.files makes them. Raises ApiError; asks for no key and no link."""
    try:
        if match := _IMAGE.fullmatch(path):
            return _image(UUID(match["project"]), UUID(match["image"]), kind=match["kind"])
        if stored := prediction_picture(path):
            picture, kind = stored
            return _file(picture, is_thumbnail=kind == "t")
    except StorageUnavailable as exc:
        headers = {"Retry-After": "5"}
        raise ApiError("ErrorUnknown", str(exc), status=HTTPStatus.SERVICE_UNAVAILABLE, headers=headers) from exc
    raise ApiError("NotFound", f"There is no file at {path[:200]!r}.", status=HTTPStatus.NOT_FOUND)


def _image(project_uid: UUID, image_uid: UUID, *, kind: str) -> HttpResponse:
    image = Image.objects.filter(project__uid=project_uid, uid=image_uid).select_related("picture").first()
    if image is None:
        raise not_found("Image")
    return _file(image.picture, is_thumbnail=kind == "t")


def _file(picture: Picture, *, is_thumbnail: bool) -> HttpResponse:
    headers = {"ETag": f'"{picture.sha256}"'}
    if not is_thumbnail:
        content_type = FORMATS[picture.format].content_type
        return HttpResponse(read_picture(picture), content_type=content_type, headers=headers)
    try:
        return HttpResponse(thumbnail(picture), content_type="image/jpeg", headers=headers)
    except RefusedPicture as exc:  # its pixels are damaged, which only decoding tells
        raise ApiError("NotFoundImage", str(exc), status=HTTPStatus.NOT_FOUND) from exc
