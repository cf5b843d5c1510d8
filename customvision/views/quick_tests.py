"""Try an iteration that need not be published."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query

from classifier.backends import get_backend
from customvision.answers import answer_picture
from customvision.api_description import takes, takes_picture
from customvision.bodies import read_picture
from customvision.errors import ApiError
from customvision.fields import Shape
from customvision.image_urls import read_image_url
from customvision.lookups import find_project, find_trained
from customvision.routers import training as router
from customvision.schemas.predictions import ImagePrediction, ImageUrl
from engine import images
from training.labels import labels_of
from training.models import Iteration, Project
from web.fetching import fetch_picture

_LIMITS = images.TRAINING


class QuickTest(Shape):
    iteration_id: UUID | None = None
    store: bool = True


@router.post("/projects/{uuid:project_id}/quicktest/image", response=ImagePrediction)
@takes_picture(max_bytes=_LIMITS.max_bytes)
def quick_test_image(request: HttpRequest, project_id: UUID, test: Query[QuickTest]) -> HttpResponse:
    """Classify a picture."""
    iteration = _chosen(find_project(request, project_id), test.iteration_id)
    return _answer(request, read_picture(request), iteration, test)


@router.post("/projects/{uuid:project_id}/quicktest/url", response=ImagePrediction)
@takes(ImageUrl)
def quick_test_image_url(request: HttpRequest, project_id: UUID, test: Query[QuickTest]) -> HttpResponse:
    """Classify the picture at an address."""
    iteration = _chosen(find_project(request, project_id), test.iteration_id)
    content = fetch_picture(read_image_url(request), max_bytes=_LIMITS.max_bytes)
    return _answer(request, content, iteration, test)


def _answer(request: HttpRequest, content: bytes, iteration: Iteration, test: QuickTest) -> HttpResponse:
    labels = labels_of(iteration)
    return answer_picture(request, content, iteration=iteration, labels=labels, limits=_LIMITS, store=test.store)


def _chosen(project: Project, uid: UUID | None) -> Iteration:
    """Return the iteration that is asked for; the one that is live, or the latest, where none is."""
    if uid:
        return find_trained(project, uid)
    needs_head = get_backend(project.backend).needs_head
    iterations = project.iterations.trained_here() if needs_head else project.iterations.completed()
    iteration = project.live_iteration or iterations.first()
    if iteration is None:
        sentence = "The project has no trained iteration: train it first."
        raise ApiError("NotFoundProjectDefaultIteration", sentence, status=404)
    iteration.project = project
    return iteration
