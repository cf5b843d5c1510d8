"""Iterations: told of, renamed, deleted."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import Settings

from tests import factories
from tests.azurecv import azure_training as recorded
from tests.azurecv.azure import RecordedAnswer
from tests.customvision.answers import Call, refusal
from tests.customvision.trainable import GENERAL, finish, make_trainable, make_trained, train
from training.backends.base import TrainingOptions
from training.models import Iteration, Project
from training.services import learning
from training.services.publishing import BESIDE, publish

pytestmark = pytest.mark.django_db

# As the service answered `train_project` on 2019-09-16, with the two keys that v3.4 has added since.
BEGUN = {
    "status": "Training",
    "exportable": False,
    "exportableTo": None,
    "domainId": None,
    "classificationType": None,
    "trainingType": "Regular",
    "reservedBudgetInHours": 0,
    "trainingTimeInMinutes": 0,
    "publishName": None,
    "originalPublishResourceId": None,
    "customBaseModelInfo": None,
    "trainingErrorDetails": None,
}
# What it had filled in a second later, and at the end.
UNDER_WAY = {**BEGUN, "exportableTo": [], "domainId": GENERAL, "classificationType": "Multilabel"}
COMPLETED = {**UNDER_WAY, "status": "Completed", "trainingTimeInMinutes": 1}
OWN = {"id", "name", "created", "lastModified", "projectId"}


def told(answer: Any) -> dict[str, Any]:
    """Return an iteration without what every one has for itself."""
    assert answer.status_code == 200, answer.content
    return {name: value for name, value in answer.json().items() if name not in OWN}


def one(call: Call, iteration: Iteration, method: str = "get", **body: Any) -> Any:
    options = {"data": body, "content_type": "application/json"} if method == "patch" else {}
    return call(method, f"/projects/{iteration.project.uid}/iterations/{iteration.uid}", **options)


# Told of


def test_a_training_is_told_as_the_service_does(call: Call) -> None:
    project = make_trainable(type="Multilabel")

    assert told(train(call, project)) == BEGUN
    iteration = project.iterations.get()
    Iteration.objects.filter(pk=iteration.pk).update(status="Training")
    assert told(one(call, iteration)) == UNDER_WAY
    finish(iteration)
    completed = told(one(call, iteration))
    assert completed.pop("trainedAt")
    assert completed == COMPLETED


def test_iterations_are_listed_oldest_first(trainer: Any) -> None:
    first = make_trained()
    make_trained(first.project, force=True)

    listed = trainer.get_iterations(first.project.uid)

    assert [each.name for each in listed] == ["Iteration 1", "Iteration 2"]


def test_a_project_that_was_never_trained_lists_none(call: Call) -> None:
    assert call("get", f"/projects/{make_trainable().uid}/iterations").json() == []


def test_a_list_takes_as_many_queries_for_many_as_for_one(call: Call, django_assert_num_queries: Any) -> None:
    project = factories.make_project()
    for number in (1, 2, 3):
        Iteration.objects.create(project=project, number=number, name=str(number), status="Failed", error="Why")
    call("get", "/projects")  # the key is noted as used

    with django_assert_num_queries(3) as found:
        call("get", f"/projects/{project.uid}/iterations")

    assert sum("training_iteration" in each["sql"] for each in found.captured_queries) == 1


def test_a_training_that_failed_says_why(call: Call) -> None:
    iteration = Iteration.objects.create(
        project=factories.make_project(), number=1, name="Iteration 1", status="Failed", error="The disk is full."
    )

    answer = told(one(call, iteration))

    assert (answer["status"], answer["trainingErrorDetails"]) == ("Failed", "The disk is full.")
    assert "trainedAt" not in answer


def test_minutes_of_training_are_rounded_up(call: Call) -> None:
    iteration = make_trained()
    Iteration.objects.filter(pk=iteration.pk).update(training_seconds=61.0)

    assert told(one(call, iteration))["trainingTimeInMinutes"] == 2


def test_an_iteration_of_a_compact_domain_can_be_exported(call: Call) -> None:
    project = make_trainable(api_settings={"domainId": "0732100f-1a38-4e49-a514-c9b44c697ab5"})
    train(call, project)

    answer = told(one(call, finish(project.iterations.get())))

    assert (answer["exportable"], answer["exportableTo"]) == (True, ["DockerFile", "ONNX"])


def test_an_iteration_keeps_the_domain_and_type_that_it_was_trained_with(call: Call) -> None:
    project = make_trainable()
    train(call, project)
    iteration = finish(project.iterations.get())

    compact = {"domainId": "0732100f-1a38-4e49-a514-c9b44c697ab5"}
    Project.objects.filter(pk=project.pk).update(type="Multilabel", api_settings=compact)

    answer = told(one(call, iteration))
    assert (answer["domainId"], answer["classificationType"]) == (GENERAL, "Multiclass")
    assert answer["exportable"] is False


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_an_unknown_iteration_is_not_found(call: Call, method: str) -> None:
    iteration = Iteration(project=factories.make_project(), uid=uuid4())

    assert refusal(one(call, iteration, method)) == (404, "NotFoundIteration")


def test_an_iteration_of_another_project_is_not_found(call: Call) -> None:
    iteration = make_trained()
    other = factories.make_project()

    assert refusal(call("get", f"/projects/{other.uid}/iterations/{iteration.uid}")) == (404, "NotFoundIteration")


def test_every_change_shows_in_last_modified(call: Call) -> None:
    iteration = learning.start_training(project=make_trainable(), options=TrainingOptions(), by=None)
    long_ago = timezone.now() - timedelta(days=1)

    def is_noted() -> bool:
        iteration.refresh_from_db()
        noted = iteration.modified_at > long_ago + timedelta(hours=1)
        Iteration.objects.filter(pk=iteration.pk).update(modified_at=long_ago)
        return noted

    assert is_noted()
    finish(iteration)
    assert is_noted()
    publish(iteration=iteration, by=None, name="live", policy=BESIDE)
    assert is_noted()
    learning.rename_iteration(iteration, name="Best")
    assert is_noted()
    assert not is_noted()


# Renamed and deleted


def test_an_iteration_is_renamed(trainer: Any) -> None:
    iteration = make_trained()

    renamed = trainer.update_iteration(iteration.project.uid, iteration.uid, "Spring")

    assert renamed.name == "Spring"
    assert trainer.get_iteration(iteration.project.uid, iteration.uid).name == "Spring"


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "\u202eevil", "nul\0"])
def test_a_name_that_is_none_is_refused(call: Call, name: str) -> None:
    iteration = make_trained()

    assert refusal(one(call, iteration, "patch", name=name)) == (400, "BadRequestIterationName")


def test_a_name_has_to_be_sent(call: Call) -> None:
    assert refusal(one(call, make_trained(), "patch")) == (400, "BadRequestIterationName")


def test_two_iterations_never_have_one_name(call: Call) -> None:
    first = make_trained()
    second = make_trained(first.project, force=True)

    assert refusal(one(call, second, "patch", name="iteration  1")) == (400, "BadRequestIterationNameNotUnique")
    assert one(call, second, "patch", name="ITERATION 2").status_code == 200


def test_an_iteration_is_deleted(trainer: Any) -> None:
    iteration = make_trained()

    trainer.delete_iteration(iteration.project.uid, iteration.uid)

    assert trainer.get_iterations(iteration.project.uid) == []


def test_the_number_of_a_deleted_iteration_is_not_given_again(call: Call) -> None:
    iteration = make_trained()
    one(call, iteration, "delete")

    assert train(call, iteration.project).json()["name"] == "Iteration 2"


def test_a_published_iteration_is_not_deleted(call: Call) -> None:
    iteration = make_trained()
    publish(iteration=iteration, by=None, name="live", policy=BESIDE)

    assert refusal(one(call, iteration, "delete")) == (400, "BadRequestIterationIsPublished")


def test_an_iteration_in_training_is_not_deleted(call: Call) -> None:
    project = make_trainable()
    train(call, project)

    answer = one(call, project.iterations.get(), "delete")

    assert refusal(answer) == (400, "BadRequestTrainingAlreadyInProgress")


def test_an_iteration_that_was_deleted_meanwhile_is_not_found(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    iteration = make_trained()
    monkeypatch.setattr("customvision.views.iterations.find_iteration", lambda project, uid: iteration)
    Iteration.objects.filter(pk=iteration.pk).delete()

    assert refusal(one(call, iteration, "delete")) == (404, "NotFoundIteration")


# Of projects that Azure trains


def test_iterations_of_azure_are_told_like_ours(call: Call, settings: Settings) -> None:
    project = factories.make_project(backend="customvision", remote_id=recorded.PROJECT_ID)
    iteration = recorded.make_iteration(project, remote_id=recorded.ITERATION_ID)
    with recorded.listening(settings) as azure:
        azure.on("PATCH", recorded.ITERATION, RecordedAnswer(200, recorded.completed(name="Spring")))

        answer = one(call, iteration, "patch", name="Spring").json()

        assert azure.sent("PATCH", recorded.ITERATION)[0].json == {"name": "Spring"}
    assert (answer["id"], answer["name"], answer["exportable"]) == (str(iteration.uid), "Spring", False)
