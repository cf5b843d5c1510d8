"""What is for object detection, and answered with a sentence that says so."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse

from customvision.api_description import takes_picture
from customvision.errors import ApiError
from customvision.lookups import find_project
from customvision.routers import prediction, training
from engine import images

_PUBLISHED = "/{uuid:project_id}/detect/iterations/{path:published_name}"
_IMAGES = "/projects/{uuid:project_id}/images"


@prediction.post(f"{_PUBLISHED}/image", operation_id="DetectImage")
@prediction.post(f"{_PUBLISHED}/image/nostore", operation_id="DetectImageWithNoStore")
@takes_picture(max_bytes=images.PREDICTION.max_bytes)
def detect_image(request: HttpRequest, project_id: UUID, published_name: str) -> HttpResponse:
    """Refuse to detect objects."""
    raise _not_supported(request, project_id)


@prediction.post(f"{_PUBLISHED}/url", operation_id="DetectImageUrl")
@prediction.post(f"{_PUBLISHED}/url/nostore", operation_id="DetectImageUrlWithNoStore")
def detect_image_url(request: HttpRequest, project_id: UUID, published_name: str) -> HttpResponse:
    """Refuse to detect objects."""
    raise _not_supported(request, project_id)


@training.post(f"{_IMAGES}/regions", operation_id="CreateImageRegions")
@training.delete(f"{_IMAGES}/regions", operation_id="DeleteImageRegions")
def change_image_regions(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Refuse to mark regions."""
    raise _not_supported(request, project_id)


@training.post(f"{_IMAGES}/{{uuid:image_id}}/regionproposals")
def get_image_region_proposals(request: HttpRequest, project_id: UUID, image_id: UUID) -> HttpResponse:
    """Refuse to propose regions."""
    raise _not_supported(request, project_id)


def _not_supported(request: HttpRequest, project_id: UUID) -> ApiError:
    project = find_project(request, project_id)
    sentence = f"{project.name!r} is a classification project; regions and detection are not supported."
    return ApiError("BadRequestNotSupported", sentence)
