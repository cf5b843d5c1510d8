"""A picture in, the probability of each tag out."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query

from customvision.answers import answer_picture
from customvision.api_description import takes, takes_picture
from customvision.bodies import read_picture
from customvision.fields import Shape
from customvision.image_urls import read_image_url
from customvision.published import Published, find_published
from customvision.routers import prediction as router
from customvision.schemas.predictions import ImagePrediction, ImageUrl
from engine import images
from web.fetching import fetch_picture

_PUBLISHED = "/{uuid:project_id}/classify/iterations/{path:published_name}"
_LIMITS = images.PREDICTION


class Application(Shape):
    application: str = ""


@router.post(f"{_PUBLISHED}/image", response=ImagePrediction)
@takes_picture(max_bytes=_LIMITS.max_bytes)
def classify_image(
    request: HttpRequest, project_id: UUID, published_name: str, sender: Query[Application]
) -> HttpResponse:
    """Classify a picture, and store it with the answer."""
    published = find_published(request, project_id, published_name)
    return _answer(request, read_picture(request), published, store=True, application=sender.application)


@router.post(f"{_PUBLISHED}/image/nostore", response=ImagePrediction)
@takes_picture(max_bytes=_LIMITS.max_bytes)
def classify_image_with_no_store(request: HttpRequest, project_id: UUID, published_name: str) -> HttpResponse:
    """Classify a picture; nothing is stored."""
    published = find_published(request, project_id, published_name)
    return _answer(request, read_picture(request), published, store=False)


@router.post(f"{_PUBLISHED}/url", response=ImagePrediction)
@takes(ImageUrl)
def classify_image_url(
    request: HttpRequest, project_id: UUID, published_name: str, sender: Query[Application]
) -> HttpResponse:
    """Classify the picture at an address, and store it with the answer."""
    published = find_published(request, project_id, published_name)
    return _answer(request, _fetched(request), published, store=True, application=sender.application)


@router.post(f"{_PUBLISHED}/url/nostore", response=ImagePrediction)
@takes(ImageUrl)
def classify_image_url_with_no_store(request: HttpRequest, project_id: UUID, published_name: str) -> HttpResponse:
    """Classify the picture at an address; nothing is stored."""
    published = find_published(request, project_id, published_name)
    return _answer(request, _fetched(request), published, store=False)


def _fetched(request: HttpRequest) -> bytes:
    return fetch_picture(read_image_url(request), max_bytes=_LIMITS.max_bytes)


def _answer(
    request: HttpRequest, content: bytes, published: Published, *, store: bool, application: str = ""
) -> HttpResponse:
    iteration, labels = published.iteration, published.labels
    return answer_picture(
        request, content, iteration=iteration, labels=labels, limits=_LIMITS, store=store, application=application
    )
