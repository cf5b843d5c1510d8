"""Azure's training service as it was recorded, and a project there."""

from collections.abc import Iterator

import pytest
from django.utils import translation
from pytest_django import Settings

from azurecv.training.mirror import CustomVisionMirror
from azurecv.training.trainer import CustomVisionTrainer
from tests import factories
from tests.azurecv import azure_training as recorded
from tests.azurecv.azure import RecordedAzure
from training.models import ImageTag, Iteration, Project, Tag


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sentences are matched, and nothing is waited for."""
    monkeypatch.setattr("azurecv.training.calls.BACK_OFF_S", 0.01)
    monkeypatch.setattr("azurecv.training.learning.POLL_S", 0.0)
    with translation.override("en"):
        yield


@pytest.fixture
def azure(settings: Settings) -> Iterator[RecordedAzure]:
    with recorded.listening(settings) as server:
        yield server


@pytest.fixture
def trainer() -> CustomVisionTrainer:
    return CustomVisionTrainer()


@pytest.fixture
def mirror(trainer: CustomVisionTrainer) -> CustomVisionMirror:
    return trainer.mirror


@pytest.fixture
def project() -> Project:
    return factories.make_project(backend="customvision", remote_id=recorded.PROJECT_ID)


@pytest.fixture
def pizza(project: Project) -> Tag:
    return Tag.objects.create(project=project, name="pizza", remote_id=recorded.TAG_ID)


@pytest.fixture
def risotto(project: Project) -> Tag:
    return Tag.objects.create(project=project, name="risotto", remote_id=recorded.OTHER_TAG_ID)


@pytest.fixture
def iteration(pizza: Tag, risotto: Tag) -> Iteration:
    """One that is about to be trained, on five images of each tag."""
    for number in range(10):
        image = recorded.make_image(pizza.project, remote_id=recorded.image_id(number))
        ImageTag.objects.create(image=image, tag=pizza if number % 2 else risotto, is_only=True)
    return recorded.make_iteration(pizza.project, status="New")
