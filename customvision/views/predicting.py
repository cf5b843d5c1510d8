"""A picture in, the probability of each tag out."""

from http import HTTPStatus
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from classifier.backends.base import Answer
from classifier.services import classify
from customvision.api_description import takes_pictures
from customvision.bodies import read_picture
from customvision.errors import ApiError
from customvision.fields import reply, utc
from customvision.finding import find_project
from customvision.labels import labels_of
from customvision.routers import prediction as router
from customvision.schemas.predictions import ImagePrediction, PredictionOut
from engine import images
from training.models import Iteration, Project


@router.post("/{uuid:project_id}/classify/iterations/{path:published_name}/image/nostore", response=ImagePrediction)
@takes_pictures(max_bytes=images.PREDICTION.max_bytes)
def classify_image_with_no_store(request: HttpRequest, project_id: UUID, published_name: str) -> HttpResponse:
    """Classify a picture; nothing is stored."""
    project = find_project(request, project_id)
    iteration = _published(project, published_name)
    answer = classify(content=read_picture(request), project=project, iteration=iteration)
    return reply(_told(answer, project, iteration))


def _published(project: Project, name: str) -> Iteration:
    found = project.iterations.filter(publish_name=name).first() if name else None
    if found is None:
        raise ApiError("NotFoundIteration", "Invalid iteration", status=HTTPStatus.NOT_FOUND)
    return found


def _told(answer: Answer, project: Project, iteration: Iteration) -> ImagePrediction:
    labels = labels_of(iteration)
    return ImagePrediction(
        id=uuid4(),
        project=project.uid,
        iteration=iteration.uid,
        created=utc(timezone.now()),
        predictions=[PredictionOut.of(each, labels[each.tag]) for each in answer.predictions],
    )
