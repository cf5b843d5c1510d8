"""The API's addresses, in lower case and with single slashes: see `customvision.paths`."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from customvision.api import prediction, training
from customvision.errors import problem
from customvision.keys import PredictionKey, TrainingKey
from customvision.views.downloads import download
from customvision.views.files import signed_file


@csrf_exempt
def nowhere(request: HttpRequest) -> HttpResponse:
    """Answer where no operation is."""
    return problem("NotFound", f"There is no operation at {request.path}.", status=404)


@require_safe
def describe_training(request: HttpRequest) -> JsonResponse:
    """Tell programs, in OpenAPI, what the training half answers to."""
    return training.describe(request, "/customvision/v3.4-preview/training")


@require_safe
def describe_prediction(request: HttpRequest) -> JsonResponse:
    """Tell programs, in OpenAPI, what the prediction half answers to."""
    return prediction.describe(request, "/customvision/v3.1/prediction")


urlpatterns = [
    path("training/openapi.json", describe_training, name="training-openapi"),
    path("prediction/openapi.json", describe_prediction, name="prediction-openapi"),
    re_path(r"^v3\.[01]/prediction/", include(prediction.url_patterns(admits=PredictionKey().admits))),
    re_path(r"^v3\.[0-4](?:-preview)?/training/", include(training.url_patterns(admits=TrainingKey().admits))),
    re_path(r"^files/(?P<path>exports/[0-9a-f-]{36}\.zip)$", download),
    re_path(r"^files/(?P<path>.+)$", signed_file),
    re_path(r"^", nowhere),
]
