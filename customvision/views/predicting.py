"""A picture in, the probability of each tag out."""

from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from classifier.backends.base import Answer
from classifier.services import classify
from customvision.api_description import takes_pictures
from customvision.bodies import read_picture
from customvision.fields import reply, utc
from customvision.published import Published, find_published
from customvision.routers import prediction as router
from customvision.schemas.predictions import ImagePrediction, prediction_out
from engine import images


@router.post("/{uuid:project_id}/classify/iterations/{path:published_name}/image/nostore", response=ImagePrediction)
@takes_pictures(max_bytes=images.PREDICTION.max_bytes)
def classify_image_with_no_store(request: HttpRequest, project_id: UUID, published_name: str) -> HttpResponse:
    """Classify a picture; nothing is stored."""
    published = find_published(request, project_id, published_name)
    answer = classify(content=read_picture(request), project=published.project, iteration=published.iteration)
    return reply(_told(answer, published))


def _told(answer: Answer, published: Published) -> ImagePrediction:
    labels = published.labels
    return ImagePrediction(
        id=uuid4(),
        project=published.project.uid,
        iteration=published.iteration.uid,
        created=utc(timezone.now()),
        predictions=[prediction_out(each, labels[each.tag]) for each in answer.predictions],
    )
