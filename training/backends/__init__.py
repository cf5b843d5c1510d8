"""Who trains, by the names that `CLASSIFR_TRAINING_BACKENDS` gives them."""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from training.backends.base import Mirror, Trainer
from training.exceptions import BackendMisconfigured
from training.models import Project


def get_trainer(name: str) -> Trainer:
    """Return this process's trainer of that name. Raises BackendMisconfigured."""
    paths: dict[str, str] = settings.CLASSIFR_TRAINING_BACKENDS
    if name not in paths:
        raise BackendMisconfigured(f"There is no training backend {name!r}; there are {', '.join(sorted(paths))}.")
    return _create(paths[name])


def get_mirror(project: Project) -> Mirror | None:
    """Return who keeps a copy of the project's rows; None for a project that is ours alone."""
    return get_trainer(project.backend).mirror


@cache
def _create(path: str) -> Trainer:
    trainer: Trainer = import_string(path)()
    return trainer
