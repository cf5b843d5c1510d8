"""Projects that can be trained in a second, and the training of them."""

from typing import Any

from jobs.progress import Progress
from tests import factories
from tests.customvision.answers import Call
from training.backends.base import TrainingOptions
from training.models import Iteration, Project, Tag
from training.services import learning

GENERAL = "ee85a74c-405e-4adc-bb47-ffa8ca0c9f31"


def make_trainable(*tags: str, **fields: Any) -> Project:
    """Make a project with five images of each tag, "hemlock" and "cherry" if none are named."""
    project = factories.make_project(**fields)
    for name in tags or ("hemlock", "cherry"):
        add_images(Tag.objects.create(project=project, name=name))
    return project


def add_images(tag: Tag, *, count: int = 5) -> None:
    for _ in range(count):
        factories.make_image(project=tag.project, tags=[tag], size=(64, 48))


def finish(iteration: Iteration) -> Iteration:
    """Do the work of an iteration's job here."""
    learning.run_training(Progress(), iteration=iteration.pk)
    iteration.refresh_from_db()
    return iteration


def make_trained(project: Project | None = None, **options: Any) -> Iteration:
    """Train that project, or a new one."""
    started = learning.start_training(project=project or make_trainable(), options=TrainingOptions(**options), by=None)
    return finish(started)


def train(call: Call, project: Project, query: str = "", **body: Any) -> Any:
    """Ask for a training as programs do; return the answer."""
    return call("post", f"/projects/{project.uid}/train{query}", data=body, content_type="application/json")
