"""Prediction backends, by the names that `CLASSIFR_PREDICTION_BACKENDS` and plugins give them."""

from operator import call

from django.conf import settings

from classifier.backends.base import PredictionBackend
from classifier.exceptions import BackendMisconfigured
from web.registry import NotRegistered, Registry

registry: Registry[PredictionBackend] = Registry(
    "prediction backend",
    group="classifr.prediction_backends",
    paths=lambda: settings.CLASSIFR_PREDICTION_BACKENDS,
    make=call,
)


def get_backend(name: str) -> PredictionBackend:
    """Return this process's backend of that name. Raises BackendMisconfigured."""
    try:
        return registry.get(name)
    except NotRegistered as exc:
        raise BackendMisconfigured(str(exc)) from exc
