"""Prediction backends, by the names that `CLASSIFR_PREDICTION_BACKENDS` and plugins give them."""

from operator import call

from django.conf import settings

from classifier.backends.base import PredictionBackend
from classifier.exceptions import BackendMisconfigured
from web.registry import Registry

registry: Registry[PredictionBackend] = Registry(
    "prediction backend",
    group="classifr.prediction_backends",
    paths=lambda: settings.CLASSIFR_PREDICTION_BACKENDS,
    make=call,
    missing=BackendMisconfigured,
)
get_backend = registry.get
