"""A training is asked for: with which options, and when it is refused."""

import threading
import time
from typing import Any

import pytest
from azure.cognitiveservices.vision.customvision.training.models import CustomVisionErrorException

from accounts.keys import create_key
from accounts.models import ApiKey
from tests import factories
from tests.customvision.answers import Call, code_of, refusal
from tests.customvision.conftest import connect_trainer
from tests.customvision.trainable import add_images, make_trainable, make_trained, train
from training.models import Iteration, Project, Tag

pytestmark = pytest.mark.django_db
NOBODY = "00000000-0000-4000-8000-000000000000"


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
