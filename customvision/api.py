"""The two halves of the API: training and prediction, each with a key of its own."""

from ninja import Router
from ninja.security import APIKeyHeader

from customvision import routers
from customvision.api_description import DescribedAPI
from customvision.errors import handle_errors
from customvision.keys import PredictionKey, TrainingKey
from customvision.views import (  # noqa: F401  # once they are imported, the routers have their operations
    copies,
    detection,
    exports,
    files,
    image_tags,
    image_uploads,
    images,
    iterations,
    performance,
    predicting,
    predictions,
    projects,
    quick_tests,
    suggestions,
    tags,
)


def _make(half: str, *, version: str, key: APIKeyHeader, router: Router) -> DescribedAPI:
    api = DescribedAPI(
        title=f"Custom Vision {half}",
        version=version,
        description=f"What Azure's Custom Vision {half} answers to, for classification projects.",
        urls_namespace=f"customvision-{half.lower()}",
        auth=key,
        docs_url=None,
        openapi_url=None,
    )
    api.add_router("", router)
    handle_errors(api)
    return api


training = _make("Training", version="3.4-preview", key=TrainingKey(), router=routers.training)
prediction = _make("Prediction", version="3.1", key=PredictionKey(), router=routers.prediction)
