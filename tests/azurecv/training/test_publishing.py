"""Publishing at Azure."""

import pytest
from pytest_django import Settings

from azurecv.training.mirror import CustomVisionMirror
from azurecv.training.trainer import CustomVisionTrainer
from tests.azurecv import azure_training as recorded
from tests.azurecv.azure import RecordedAnswer, RecordedAzure, error
from tests.azurecv.azure_training import DONE, ITERATION, ITERATIONS, make_iteration
from training.exceptions import BackendMisconfigured, Refused
from training.models import Project

pytestmark = pytest.mark.django_db


def publishable(azure: RecordedAzure, *, ours: str | None = None, other: str | None = None) -> None:
    """Let Azure have two iterations, published so."""
    there = [
        recorded.completed(publishName=ours),
        recorded.completed(recorded.OTHER_ITERATION_ID, name="Iteration 1", publishName=other),
    ]
    azure.on("GET", ITERATIONS, RecordedAnswer(200, there))
    for path in (ITERATION, f"{ITERATIONS}/{recorded.OTHER_ITERATION_ID}"):
        azure.on("POST", f"{path}/publish", RecordedAnswer(200, True))
        azure.on("DELETE", f"{path}/publish", DONE)


def acts(azure: RecordedAzure) -> list[tuple[str, str]]:
    names = {ITERATION: "ours", f"{ITERATIONS}/{recorded.OTHER_ITERATION_ID}": "other"}
    routes = [request.route for request in azure.requests if request.method != "GET"]
    return [(method, names[path.removesuffix("/publish")]) for method, path in routes]


def test_published_iteration_answers_under_the_name(
    azure: RecordedAzure, mirror: CustomVisionMirror, project: Project
) -> None:
    publishable(azure)

    mirror.publish(make_iteration(project, remote_id=recorded.ITERATION_ID), name="my model/1")

    query = azure.sent("POST", f"{ITERATION}/publish")[0].query
    assert query == {"publishName": "my model/1", "predictionId": recorded.RESOURCE_ID, "overwrite": "true"}


def test_publishing_replaces_who_holds_the_name(
    azure: RecordedAzure, mirror: CustomVisionMirror, project: Project
) -> None:
    publishable(azure, ours="trial", other="live")

    mirror.publish(make_iteration(project, remote_id=recorded.ITERATION_ID), name="live")

    assert acts(azure) == [("DELETE", "ours"), ("DELETE", "other"), ("POST", "ours")]


def test_publishing_what_is_published_does_nothing(
    azure: RecordedAzure, mirror: CustomVisionMirror, project: Project
) -> None:
    publishable(azure, ours="live")

    mirror.publish(make_iteration(project, remote_id=recorded.ITERATION_ID), name="live")

    assert not acts(azure)


def test_former_iteration_answers_again_when_publishing_fails(
    azure: RecordedAzure, mirror: CustomVisionMirror, project: Project
) -> None:
    publishable(azure, other="live")
    azure.on("POST", f"{ITERATION}/publish", error(400, "BadRequestInvalidPublishTarget", "Invalid"))

    with pytest.raises(BackendMisconfigured, match="PREDICTION_RESOURCE_ID"):
        mirror.publish(make_iteration(project, remote_id=recorded.ITERATION_ID), name="live")

    assert acts(azure)[-1] == ("POST", "other")


def test_publishing_needs_a_resource(
    azure: RecordedAzure, trainer: CustomVisionTrainer, project: Project, settings: Settings
) -> None:
    settings.CLASSIFR_CUSTOMVISION_PREDICTION_RESOURCE_ID = ""

    with pytest.raises(BackendMisconfigured, match="CLASSIFR_CUSTOMVISION_PREDICTION_RESOURCE_ID"):
        trainer.check_fit_to_answer(make_iteration(project, remote_id=recorded.ITERATION_ID))


def test_what_azure_no_longer_has_is_not_fit_to_answer(
    azure: RecordedAzure, trainer: CustomVisionTrainer, project: Project
) -> None:
    publishable(azure)
    trainer.check_fit_to_answer(make_iteration(project, remote_id=recorded.ITERATION_ID))

    with pytest.raises(Refused, match="no longer has Iteration 2"):
        trainer.check_fit_to_answer(make_iteration(project, remote_id=recorded.PROJECT_ID))


@pytest.mark.parametrize("answer", [DONE, error(400, "BadRequestIterationNotPublished", "Not published")])
def test_unpublished_is_unpublished(
    azure: RecordedAzure, mirror: CustomVisionMirror, project: Project, answer: RecordedAnswer
) -> None:
    azure.on("DELETE", f"{ITERATION}/publish", answer)

    mirror.unpublish(make_iteration(project, remote_id=recorded.ITERATION_ID))

    assert acts(azure) == [("DELETE", "ours")]
