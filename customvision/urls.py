"""The API's addresses, in lower case and with single slashes: see `customvision.paths`."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, re_path
from django.views.decorators.csrf import csrf_exempt

from customvision.api import prediction, training
from customvision.errors import problem
from customvision.views.files import signed_file


@csrf_exempt
def nowhere(request: HttpRequest) -> HttpResponse:
    """Answer where no operation is."""
    return problem("NotFound", f"There is no operation at {request.path}.", status=404)


urlpatterns = [
    re_path(r"^v3\.[01]/prediction/", include(prediction.url_patterns())),
    re_path(r"^v3\.[0-4](?:-preview)?/training/", include(training.url_patterns())),
    re_path(r"^files/(?P<path>.+)$", signed_file),
    re_path(r"^", nowhere),
]
