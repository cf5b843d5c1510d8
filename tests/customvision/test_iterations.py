"""Iterations: trained, told of, renamed, deleted."""

import threading
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from azure.cognitiveservices.vision.customvision.training.models import CustomVisionErrorException
from django.utils import timezone
from pytest_django import Settings

from accounts.keys import create_key
from accounts.models import ApiKey
from tests import factories
from tests.classifier.azure import RecordedAnswer
from tests.customvision.answers import Call, code_of, refusal
from tests.customvision.conftest import connect_trainer
from tests.customvision.trainable import GENERAL, add_images, finish, make_trainable, make_trained
from tests.training import azure_training as recorded
from training.backends.base import TrainingOptions
from training.models import Iteration, Project, Tag
from training.services import learning
from training.services.publishing import publish_beside

pytestmark = pytest.mark.django_db
NOBODY = "00000000-0000-4000-8000-000000000000"

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


def train(call: Call, project: Project, query: str = "", **body: Any) -> Any:
    return call("post", f"/projects/{project.uid}/train{query}", data=body, content_type="application/json")


def one(call: Call, iteration: Iteration, method: str = "get", **body: Any) -> Any:
    options = {"data": body, "content_type": "application/json"} if method == "patch" else {}
    return call(method, f"/projects/{iteration.project.uid}/iterations/{iteration.uid}", **options)


# Training


def test_the_quickstart_trains_and_waits(trainer: Any, worker: None) -> None:
    project = make_trainable()

    iteration = trainer.train_project(project.uid)
    assert iteration.status == "Training"
    deadline = time.monotonic() + 60
    while iteration.status != "Completed" and time.monotonic() < deadline:
        time.sleep(0.1)
        iteration = trainer.get_iteration(project.uid, iteration.id)

    assert (iteration.status, iteration.name, iteration.publish_name) == ("Completed", "Iteration 1", None)
    assert iteration.trained_at >= iteration.created


def test_all_options_of_the_sdk_are_taken(trainer: Any) -> None:
    project = make_trainable("hemlock", "cherry", "oak")
    base = make_trained(make_trainable())
    chosen = list(project.tags.exclude(name="oak").values_list("uid", flat=True))

    begun = trainer.train_project(
        project.uid,
        training_type="Advanced",
        reserved_budget_in_hours=2,
        force_train=True,
        notification_email_address="gardener@example.org",
        selected_tags=[str(uid) for uid in chosen],
        custom_base_model_info={"projectId": str(base.project.uid), "iterationId": str(base.uid)},
    )

    assert (begun.training_type, begun.reserved_budget_in_hours) == ("Advanced", 2)
    assert begun.custom_base_model_info.iteration_id == str(base.uid)
    assert project.iterations.get().settings["tags"] == ["cherry", "hemlock"]


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


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", ""])
def test_an_empty_body_is_enough(call: Call, content_type: str) -> None:
    project = make_trainable()

    answer = call("post", f"/projects/{project.uid}/train", data=b"", content_type=content_type)

    assert answer.json()["projectId"] == str(project.uid)


def test_another_training_is_not_needed_until_something_changes(call: Call) -> None:
    project = make_trained().project

    answer = train(call, project)
    assert answer.json() == {"code": "BadRequestTrainingNotNeeded", "message": "Nothing changed since last training"}
    assert train(call, project, "?forceTrain=true").status_code == 200


def test_a_new_image_is_worth_a_training(call: Call) -> None:
    project = make_trained().project

    add_images(project.tags.get(name="cherry"), count=1)

    assert train(call, project).json()["name"] == "Iteration 2"


def test_a_project_in_training_is_not_trained_twice(call: Call) -> None:
    project = make_trainable()
    train(call, project)

    assert refusal(train(call, project)) == (400, "BadRequestTrainingAlreadyInProgress")


@pytest.mark.parametrize(
    ("type_", "code"),
    [
        ("Multiclass", "BadRequestMultiClassClassificationTrainingValidationFailed"),
        ("Multilabel", "BadRequestMultiLabelClassificationTrainingValidationFailed"),
    ],
)
def test_too_few_tags_are_refused(call: Call, type_: str, code: str) -> None:
    answer = train(call, make_trainable("hemlock", type=type_))

    assert refusal(answer) == (400, code)
    assert answer.json()["message"] == "The project has 1 tag; at least 2 are needed."


def test_too_few_images_are_refused_with_their_tag(call: Call) -> None:
    project = make_trainable()
    add_images(Tag.objects.create(project=project, name="oak"), count=4)

    assert "oak (4)" in train(call, project).json()["message"]


@pytest.mark.parametrize(
    ("query", "code", "hint"),
    [
        ("?trainingType=Fast", "BadRequest", "'Regular' or 'Advanced'"),
        ("?reservedBudgetInHours=-1", "BadRequest", "reservedBudgetInHours"),
        ("?reservedBudgetInHours=many", "BadRequest", "reservedBudgetInHours"),
        ("?forceTrain=perhaps", "BadRequest", "forceTrain"),
        ("?notificationEmailAddress=me", "BadRequestInvalidEmailAddress", "'me'"),
    ],
)
def test_options_that_mean_nothing_are_refused(call: Call, query: str, code: str, hint: str) -> None:
    project = make_trainable()

    answer = train(call, project, query)

    assert refusal(answer) == (400, code)
    assert hint in answer.json()["message"]
    assert not project.iterations.exists()


def test_tags_of_another_project_cannot_be_selected(call: Call) -> None:
    other = Tag.objects.create(project=factories.make_project(), name="oak")

    answer = train(call, make_trainable(), selectedTags=[str(other.uid)])

    assert refusal(answer) == (400, "BadRequestInvalidIds")
    assert str(other.uid) in answer.json()["message"]


def test_a_body_that_is_none_is_refused(call: Call) -> None:
    assert refusal(train(call, make_trainable(), selectedTags=["hemlock"])) == (400, "BadRequest")


def test_a_base_model_that_is_not_there_is_refused(call: Call) -> None:
    project = make_trainable()
    here = str(project.uid)

    for base, code in (
        ({"projectId": NOBODY, "iterationId": NOBODY}, "NotFoundProject"),
        ({"projectId": here, "iterationId": NOBODY}, "NotFoundIteration"),
    ):
        assert refusal(train(call, project, customBaseModelInfo=base)) == (404, code)


def test_a_base_model_that_another_key_opens_is_not_found(call: Call) -> None:
    base, project = make_trained(), make_trainable()
    _key, text = create_key(name="mine", scope=ApiKey.Scope.ALL, by=None, project_uid=project.uid)
    info = {"projectId": str(base.project.uid), "iterationId": str(base.uid)}

    answer = call(
        "post",
        f"/projects/{project.uid}/train",
        key=text,
        data={"customBaseModelInfo": info},
        content_type="application/json",
    )

    assert refusal(answer) == (404, "NotFoundProject")


def test_a_base_model_has_to_be_completed_and_of_the_same_domain(call: Call) -> None:
    project, base = make_trainable(), make_trained()
    info = {"projectId": str(base.project.uid), "iterationId": str(base.uid)}

    Project.objects.filter(pk=base.project_id).update(domain="Food")
    answer = train(call, project, customBaseModelInfo=info)
    assert refusal(answer) == (400, "BadRequestCustomBaseModelDomainNotCompatible")
    Iteration.objects.filter(pk=base.pk).update(status="Training")
    answer = train(call, project, customBaseModelInfo=info)
    assert refusal(answer) == (400, "BadRequestCustomBaseModelIterationStatusNotCompleted")


@pytest.mark.django_db(transaction=True)
def test_of_two_clients_that_train_at_once_one_does(live_server: Any, api_key: str) -> None:
    project = make_trainable()
    barrier = threading.Barrier(2)
    said = []

    def train_by_sdk() -> None:
        with connect_trainer(live_server.url, api_key) as client:
            barrier.wait()
            try:
                said.append(client.train_project(project.uid).status)
            except CustomVisionErrorException as exc:
                said.append(code_of(exc))

    threads = [threading.Thread(target=train_by_sdk) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(said) == ["BadRequestTrainingAlreadyInProgress", "Training"]
    assert project.iterations.count() == 1


# Told of


def test_iterations_are_listed_newest_first(trainer: Any) -> None:
    first = make_trained()
    make_trained(first.project, force=True)

    listed = trainer.get_iterations(first.project.uid)

    assert [each.name for each in listed] == ["Iteration 2", "Iteration 1"]


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
    publish_beside(iteration=iteration, by=None, name="live")
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
    publish_beside(iteration=iteration, by=None, name="live")

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
