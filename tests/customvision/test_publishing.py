"""Which iteration answers under which name."""

import threading
from typing import Any
from urllib.parse import quote

import pytest
from azure.cognitiveservices.vision.customvision.training.models import CustomVisionErrorException
from pytest_django import Settings

from accounts.keys import create_key
from tests import factories
from tests.azurecv import azure_training as recorded
from tests.azurecv.azure import RecordedAnswer
from tests.customvision.answers import Call, code_of, refusal
from tests.customvision.conftest import ARM_ID, connect_trainer
from training.models import Iteration, Project
from training.services.starter import add_iteration

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(db: None) -> Project:
    return factories.make_project(domain="Food")


def make_iteration(project: Project) -> Iteration:
    return add_iteration(project=project, head=factories.make_head(), metrics={})


def address(iteration: Iteration, *, name: str = "", target: str = ARM_ID) -> str:
    query = f"?publishName={quote(name)}&predictionId={quote(target)}" if name else ""
    return f"/projects/{iteration.project.uid}/iterations/{iteration.uid}/publish{query}"


def publish(call: Call, iteration: Iteration, name: str, *, overwrite: bool = False, target: str = ARM_ID) -> Any:
    more = "&overwrite=true" if overwrite else ""
    return call("post", address(iteration, name=name, target=target) + more)


def published(project: Project) -> dict[int, str]:
    return dict(project.iterations.published().values_list("number", "publish_name"))


def live(project: Project) -> int | None:
    project.refresh_from_db()
    return project.live_iteration.number if project.live_iteration else None


@pytest.mark.proven
def test_an_iteration_is_published_and_unpublished(trainer: Any) -> None:
    project = factories.make_project(domain="Food")
    iteration = make_iteration(project)

    assert trainer.publish_iteration(project.uid, iteration.uid, "my model/1", ARM_ID) is True
    told = trainer.get_iteration(project.uid, iteration.uid)
    assert (told.publish_name, told.original_publish_resource_id) == ("my model/1", ARM_ID)
    assert live(project) == 1

    assert trainer.unpublish_iteration(project.uid, iteration.uid) is None
    told = trainer.get_iteration(project.uid, iteration.uid)
    assert (told.publish_name, told.original_publish_resource_id) == (None, None)
    assert live(project) is None


def test_what_precedes_the_new_iteration_in_the_list_is_the_one_that_a_program_unpublishes(trainer: Any) -> None:
    project = factories.make_project(domain="Food")
    for name in ("spring", "summer"):
        trainer.publish_iteration(project.uid, make_iteration(project).uid, name, ARM_ID)
    new = make_iteration(project)
    trainer.publish_iteration(project.uid, new.uid, "autumn", ARM_ID)

    previous = None
    for iteration in trainer.get_iterations(project.uid):
        if iteration.id == str(new.uid):
            break
        previous = iteration
    assert previous
    trainer.unpublish_iteration(project.uid, previous.id)

    assert published(project) == {1: "spring", 3: "autumn"}
    assert live(project) == 3


def test_the_answer_is_the_word_true(call: Call, project: Project) -> None:
    answer = publish(call, make_iteration(project), "live")

    assert (answer.status_code, answer.content) == (200, b"true")
    assert answer["Content-Type"] == "application/json; charset=utf-8"


def test_published_iterations_stand_side_by_side_and_the_last_is_on_the_page(call: Call, project: Project) -> None:
    for name in ("spring", "summer"):
        publish(call, make_iteration(project), name)

    assert (published(project), live(project)) == ({1: "spring", 2: "summer"}, 2)


@pytest.mark.parametrize("name", ["live", "another"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_published_is_not_published_again(call: Call, project: Project, name: str, overwrite: bool) -> None:
    iteration = make_iteration(project)
    publish(call, iteration, "live")

    answer = publish(call, iteration, name, overwrite=overwrite)

    assert answer.status_code == 400
    assert answer.json() == {
        "code": "BadRequestIterationIsPublished",
        "message": "Iteration is already published as: live",
    }


def test_a_name_is_taken_away_only_if_that_is_asked(call: Call, project: Project) -> None:
    first, second = make_iteration(project), make_iteration(project)
    publish(call, first, "live")

    assert refusal(publish(call, second, "live")) == (400, "BadRequestInvalidPublishName")
    assert published(project) == {1: "live"}
    assert publish(call, second, "live", overwrite=True).status_code == 200
    assert (published(project), live(project)) == ({2: "live"}, 2)


def test_to_take_a_name_leaves_the_others_published(call: Call, project: Project) -> None:
    for name in ("spring", "summer"):
        publish(call, make_iteration(project), name)

    publish(call, make_iteration(project), "spring", overwrite=True)

    assert (published(project), live(project)) == ({2: "summer", 3: "spring"}, 3)


def test_a_name_can_be_used_again(call: Call, project: Project) -> None:
    first, second = make_iteration(project), make_iteration(project)
    publish(call, first, "live")
    call("delete", address(first))

    assert publish(call, second, "live").status_code == 200


@pytest.mark.parametrize("query", ["", "?publishName=live", "?publishName=&predictionId=x", "?predictionId=x"])
def test_name_and_resource_are_required(call: Call, project: Project, query: str) -> None:
    answer = call("post", address(make_iteration(project)) + query)

    assert refusal(answer) == (400, "BadRequestRequiredParamIsNull")


@pytest.mark.parametrize("target", ["", " ", "a\0b"])
def test_a_resource_that_is_none_is_refused(call: Call, project: Project, target: str) -> None:
    answer = publish(call, make_iteration(project), "live", target=target)

    assert refusal(answer) == (400, "BadRequestInvalidPublishTarget")


@pytest.mark.parametrize("name", ["x" * 101, "nul\0", "bell\a"])
def test_a_name_that_is_none_is_refused(call: Call, project: Project, name: str) -> None:
    assert refusal(publish(call, make_iteration(project), name)) == (400, "BadRequestInvalidPublishName")


@pytest.mark.proven
def test_what_is_not_trained_is_not_published(call: Call, project: Project) -> None:
    iteration = Iteration.objects.create(project=project, number=1, name="Iteration 1")

    assert refusal(publish(call, iteration, "live")) == (400, "BadRequestIterationIsNotTrained")


def test_what_is_not_published_is_not_unpublished(call: Call, project: Project) -> None:
    answer = call("delete", address(make_iteration(project)))

    assert refusal(answer) == (400, "BadRequestIterationNotPublished")


@pytest.mark.parametrize("method", ["post", "delete"])
def test_an_unknown_iteration_is_not_found(call: Call, project: Project, method: str) -> None:
    unknown = Iteration(project=project)

    assert refusal(call(method, address(unknown, name="live"))) == (404, "NotFoundIteration")


def test_what_is_taken_back_leaves_the_page_what_was_published_before(call: Call, project: Project) -> None:
    iterations = [make_iteration(project) for _ in range(3)]
    for iteration, name in zip(iterations, ("old", "prod", "trial"), strict=True):
        publish(call, iteration, name)

    call("delete", address(iterations[2]))
    assert live(project) == 2
    call("delete", address(iterations[0]))
    assert (published(project), live(project)) == ({2: "prod"}, 2)


def test_the_log_names_who_made_the_key(call: Call, project: Project, person: Any) -> None:
    _key, text = create_key(name="ci", scope="all", by=person)
    call("post", address(make_iteration(project), name="live"), key=text)

    assert project.publications.get().username == person.username


@pytest.mark.django_db(transaction=True)
def test_of_two_clients_that_publish_under_one_name_one_does(live_server: Any, api_key: str) -> None:
    project = factories.make_project(domain="Food")
    iterations = [make_iteration(project) for _ in range(2)]
    barrier = threading.Barrier(2)
    said = []

    def publish_by_sdk(iteration: Iteration) -> None:
        with connect_trainer(live_server.url, api_key) as client:
            barrier.wait()
            try:
                said.append(str(client.publish_iteration(project.uid, iteration.uid, "live", ARM_ID)))
            except CustomVisionErrorException as exc:
                said.append(code_of(exc))

    threads = [threading.Thread(target=publish_by_sdk, args=[each]) for each in iterations]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(said) == ["BadRequestInvalidPublishName", "True"]
    assert published(project) == {live(project): "live"}


def test_an_iteration_of_azure_is_published_there(call: Call, settings: Settings) -> None:
    project = factories.make_project(backend="customvision", remote_id=recorded.PROJECT_ID)
    iteration = recorded.make_iteration(project, remote_id=recorded.ITERATION_ID)
    with recorded.listening(settings) as azure:
        azure.on("GET", recorded.ITERATIONS, RecordedAnswer(200, [recorded.completed()]))
        azure.on("POST", f"{recorded.ITERATION}/publish", RecordedAnswer(200, True))
        answer = publish(call, iteration, "live")
        sent = azure.sent("POST", f"{recorded.ITERATION}/publish")[0].query

    assert answer.content == b"true"
    assert (sent["publishName"], sent["predictionId"]) == ("live", recorded.RESOURCE_ID)
