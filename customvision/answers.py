"""Answer a picture, and store it with its answer where that is asked for."""

from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from classifier.backends import get_backend
from customvision.errors import ApiError
from customvision.fields import reply, utc
from customvision.lookups import key_of
from customvision.models import LONGEST_APPLICATION
from customvision.paths import has_tag_types
from customvision.schemas.predictions import ImagePrediction, predictions_out
from customvision.services import store_prediction
from engine import images
from training.labels import Labels
from training.models import Iteration


def answer_picture(
    request: HttpRequest,
    content: bytes,
    *,
    iteration: Iteration,
    labels: Labels,
    limits: images.Limits,
    store: bool,
    application: str = "",
) -> HttpResponse:
    """Classify the picture and answer; `store` keeps it with the answer. labels: of the iteration."""
    if len(application) > LONGEST_APPLICATION:
        sentence = f"application has {len(application)} characters; at most {LONGEST_APPLICATION} are accepted."
        raise ApiError("BadRequestPredictionInvalidApplicationName", sentence)
    project = iteration.project
    photo = images.admit(content, limits=limits)
    backend = get_backend(project.backend)
    if iteration.is_published:
        answer = backend.predict(photo, project=project, iteration=iteration)
    else:  # which a service elsewhere answers by another door
        answer = backend.quick_test(photo, iteration=iteration)
    uid = uuid4()
    if store:
        store_prediction(
            uid=uid,
            photo=photo,
            iteration=iteration,
            labels=labels,
            answer=answer,
            application=application,
            by=key_of(request).owner,
        )
    prediction = ImagePrediction.model_construct(  # unchecked: nothing of it comes from outside
        id=uid,
        project=project.uid,
        iteration=iteration.uid,
        created=utc(timezone.now()),
        predictions=predictions_out(answer.predictions, labels, has_type=has_tag_types(request)),
    )
    response = reply(prediction)
    response.headers["apim-request-id"] = str(uid)
    return response
