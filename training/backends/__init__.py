"""Training backends, by the names that `CLASSIFR_TRAINING_BACKENDS` gives them."""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from training.backends.base import TrainingBackend
from training.exceptions import BackendMisconfigured


def get_backend(name: str) -> TrainingBackend:
    """Return this process's backend of that name. Raises BackendMisconfigured."""
    paths: dict[str, str] = settings.CLASSIFR_TRAINING_BACKENDS
    if name not in paths:
        raise BackendMisconfigured(f"There is no training backend {name!r}; there are {', '.join(sorted(paths))}.")
    return _create(paths[name])


@cache
def _create(path: str) -> TrainingBackend:
    backend: TrainingBackend = import_string(path)()
    return backend
