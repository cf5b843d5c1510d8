"""What every prediction backend keeps to, whoever wrote it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from pytest_django import Settings

from classifier.backends import get_backend, local
from classifier.backends.base import Answer, PredictionBackend
from classifier.exceptions import BackendMisconfigured
from engine.backbones import Backbone
from tests import factories
from tests.azurecv.azure import PROJECT_ID, RECORDED, RecordedAnswer, RecordedAzure
from training.models import Project

pytestmark = pytest.mark.django_db


@pytest.fixture(params=sorted(settings.CLASSIFR_PREDICTION_BACKENDS))
def backend(request: pytest.FixtureRequest) -> PredictionBackend:
    if request.param == "customvision":
        request.getfixturevalue("recorded_azure")
    return get_backend(request.param)


@pytest.fixture
def quick_tests(recorded_azure: RecordedAzure, settings: Settings) -> None:
    """The recorded service answers quick tests too."""
    settings.CLASSIFR_CUSTOMVISION_TRAINING_ENDPOINT = recorded_azure.endpoint
    settings.CLASSIFR_CUSTOMVISION_TRAINING_KEY = "a-training-key"
    recorded_azure.on("POST", f"/projects/{PROJECT_ID}/quicktest/image", RecordedAnswer(200, RECORDED))


@pytest.fixture
def project(food_project: Project) -> Project:
    food_project.remote_id = PROJECT_ID
    return food_project


def predict(backend: PredictionBackend, project: Project, **options: Any) -> Answer:
    return backend.predict(factories.admit(factories.make_photo(seed=1, **options)), project=project)


def test_backend_is_one(backend: PredictionBackend) -> None:
    assert isinstance(backend, PredictionBackend)


def test_probabilities_descend_between_0_and_1(backend: PredictionBackend, project: Project) -> None:
    probabilities = [each.probability for each in predict(backend, project).predictions]

    assert probabilities == sorted(probabilities, reverse=True)
    assert all(0 <= each <= 1 for each in probabilities)


def test_every_tag_comes_once(backend: PredictionBackend, project: Project) -> None:
    tags = [each.tag for each in predict(backend, project).predictions]

    assert len(set(tags)) == len(tags) >= 2


def test_photos_wait_for_their_turn(food_project: Project, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    at_work, most = Semaphore(), []
    real = Backbone.vector

    def watched(*args: Any, **options: Any) -> Any:
        most.append(at_work.acquire(blocking=False))
        try:
            return real(*args, **options)
        finally:
            at_work.release()

    settings.CLASSIFR_PREDICTIONS_AT_ONCE = 1
    local._turns.cache_clear()
    assert food_project.live_iteration  # read here: the threads see nothing of this transaction
    monkeypatch.setattr(Backbone, "vector", watched)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: predict(get_backend("local"), food_project), range(8)))

    assert most == 8 * [True]


def test_answer_names_its_iteration(backend: PredictionBackend, project: Project) -> None:
    assert predict(backend, project).iteration_name


@pytest.mark.usefixtures("quick_tests")
def test_quick_test_asks_an_iteration_that_is_not_published(backend: PredictionBackend, project: Project) -> None:
    iteration = project.iterations.get()
    iteration.project, iteration.publish_name, iteration.remote_id = project, "", uuid4()

    answer = backend.quick_test(factories.admit(factories.make_photo(seed=1)), iteration=iteration)

    probabilities = [each.probability for each in answer.predictions]
    assert (answer.iteration, answer.iteration_name) == (iteration, iteration.name)
    assert probabilities == sorted(probabilities, reverse=True)


def test_same_photo_gets_the_same_answer(backend: PredictionBackend, project: Project) -> None:
    assert predict(backend, project).predictions == predict(backend, project).predictions


@pytest.mark.parametrize("format", ["JPEG", "PNG", "BMP", "GIF"])
def test_each_format_is_taken(backend: PredictionBackend, project: Project, format: str) -> None:
    assert predict(backend, project, format=format).predictions


def test_project_that_cannot_answer_is_the_operators_fault(backend: PredictionBackend) -> None:
    with pytest.raises(BackendMisconfigured):
        backend.predict(factories.admit(factories.make_photo()), project=factories.make_project())


def test_unknown_backend_is_the_operators_fault() -> None:
    with pytest.raises(BackendMisconfigured, match="local"):
        get_backend("nothing")
