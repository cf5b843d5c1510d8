"""Prediction backends, by the names that `CLASSIFR_PREDICTION_BACKENDS` gives them."""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from classifier.backends.base import PredictionBackend
from classifier.exceptions import BackendMisconfigured


def get_backend(name: str) -> PredictionBackend:
    """Return this process's backend of that name. Raises BackendMisconfigured."""
    paths: dict[str, str] = settings.CLASSIFR_PREDICTION_BACKENDS
    if name not in paths:
        raise BackendMisconfigured(f"There is no prediction backend {name!r}; there are {', '.join(sorted(paths))}.")
    return _create(paths[name])


@cache
def _create(path: str) -> PredictionBackend:
    backend: PredictionBackend = import_string(path)()
    return backend
