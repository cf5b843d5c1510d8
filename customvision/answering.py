"""Answer a picture, and keep it with its answer where that is asked for."""

from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from classifier.backends.base import Answer
from classifier.services import classify
from customvision.errors import ApiError
from customvision.fields import Shape, reply, utc
from customvision.finding import key_of
from customvision.models import LONGEST_APPLICATION
from customvision.paths import has_tag_types
from customvision.schemas.predictions import ImagePrediction, predictions_out
from customvision.services import keep_prediction
from engine import images
from training.labels import Labels
from training.models import Iteration


class Application(Shape):
    application: str = ""


def answer_only(
    request: HttpRequest, content: bytes, *, iteration: Iteration, labels: Labels, limits: images.Limits
) -> HttpResponse:
    """Classify the picture, and answer. labels: of the iteration."""
    photo = images.admit(content, limits=limits)
    answer = classify(photo=photo, project=iteration.project, iteration=iteration)
    return _reply(request, answer, iteration, labels=labels)


def answer_and_keep(
    request: HttpRequest,
    content: bytes,
    *,
    iteration: Iteration,
    labels: Labels,
    limits: images.Limits,
    application: str = "",
) -> HttpResponse:
    """Classify the picture, store it with the answer, and answer. labels: of the iteration."""
    if len(application) > LONGEST_APPLICATION:
        sentence = f"application has {len(application)} characters; at most {LONGEST_APPLICATION} are accepted."
        raise ApiError("BadRequestPredictionInvalidApplicationName", sentence)
    photo = images.admit(content, limits=limits)
    answer = classify(photo=photo, project=iteration.project, iteration=iteration)
    uid = uuid4()
    by = key_of(request).created_by
    keep_prediction(
        uid=uid,
        photo=photo,
        iteration=iteration,
        labels=labels,
        answer=answer,
        application=application,
        by=by,
    )
    return _reply(request, answer, iteration, labels=labels, uid=uid)


def _reply(
    request: HttpRequest,
    answer: Answer,
    iteration: Iteration,
    *,
    labels: Labels,
    uid: UUID | None = None,
) -> HttpResponse:
    """Answer with what the iteration said of a picture.

    labels: of the iteration. uid: under which it is stored; None: it is not.
    """
    uid = uid or uuid4()
    prediction = ImagePrediction.model_construct(  # unchecked: nothing of it comes from outside
        id=uid,
        project=iteration.project.uid,
        iteration=iteration.uid,
        created=utc(timezone.now()),
        predictions=predictions_out(answer.predictions, labels, has_type=has_tag_types(request)),
    )
    response = reply(prediction)
    response.headers["apim-request-id"] = str(uid)
    return response
