"""Who trains, by the names that `CLASSIFR_TRAINING_BACKENDS` and plugins give them."""

from operator import call

from django.conf import settings

from training.backends.base import Mirror, Trainer
from training.exceptions import BackendMisconfigured
from training.models import Project
from web.registry import Registry

registry: Registry[Trainer] = Registry(
    "training backend",
    group="classifr.training_backends",
    paths=lambda: settings.CLASSIFR_TRAINING_BACKENDS,
    make=call,
    missing=BackendMisconfigured,
)
get_trainer = registry.get


def get_mirror(project: Project) -> Mirror | None:
    """Return who keeps a copy of the project's rows; None for a project that is ours alone."""
    return get_trainer(project.backend).mirror
