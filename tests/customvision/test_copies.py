"""Projects copied by a token."""

import time
from typing import Any
from uuid import uuid4

import pytest
from azure.cognitiveservices.vision.customvision.training.models import CustomVisionErrorException
from django.core import signing

from accounts.keys import create_key
from accounts.models import ApiKey
from tests import factories
from tests.customvision.answers import Call, code_of
from training.labels import columns_of
from training.models import Iteration, Project, Tag
from training.services.publishing import publish
from training.services.starter import add_iteration

DAY_S = 24 * 3600


@pytest.fixture
def project(db: None) -> Project:
    """Two tags, three images, one published iteration."""
    made = factories.make_project(name="Dishes", description="Italian", domain=Project.Domain.FOOD)
    tags = [Tag.objects.create(project=made, name=name) for name in ("cannoli", "risotto")]
    for tag in (*tags, tags[0]):
        factories.make_image(project=made, tags=[tag])
    publish(iteration=add_iteration(project=made, head=factories.make_head("cannoli", "risotto"), metrics={}), by=None)
    return made


@pytest.fixture
def exported(call: Call, project: Project) -> str:
    """The token."""
    return str(call("get", f"/projects/{project.uid}/export").json()["token"])


@pytest.fixture
def send(call: Call) -> Call:
    return lambda token, **options: call(
        "post", "/projects/import", QUERY_STRING=f"token={token}" + options.pop("query", ""), **options
    )


def test_a_project_is_exported_and_imported(trainer: Any, project: Project) -> None:
    told = trainer.export_project(project.uid)
    made = trainer.import_project(told.token)

    assert (told.iteration_count, told.image_count, told.tag_count, told.region_count) == (1, 3, 2, 0)
    assert told.estimated_import_time_in_ms > 0
    assert (made.name, made.description, made.status) == ("Dishes (1)", "Italian", "Succeeded")
    assert trainer.get_project(made.id).status == "Succeeded"
    tags = trainer.get_tags(made.id)
    assert [(tag.name, tag.image_count) for tag in tags] == [("cannoli", 2), ("risotto", 1)]
    assert not {tag.id for tag in tags} & {str(tag.uid) for tag in project.tags.all()}


def test_the_answer_has_the_recorded_keys(call: Call, project: Project) -> None:
    answer = call("get", f"/projects/{project.uid}/export").json()

    named = {"iterationCount", "imageCount", "tagCount", "regionCount", "estimatedImportTimeInMS", "token"}
    assert answer.keys() == named


def test_a_copied_iteration_is_not_published(send: Call, exported: str) -> None:
    made = Project.objects.get(uid=send(exported).json()["id"])

    assert made.iterations.get().publish_name == ""
    assert made.live_iteration is None


def test_a_copy_gets_the_name_that_is_given(send: Call, exported: str) -> None:
    assert send(exported, query="&name=Ours").json()["name"] == "Ours"


def test_a_token_serves_several_times(send: Call, exported: str) -> None:
    assert [send(exported).json()["name"] for _ in range(2)] == ["Dishes (1)", "Dishes (2)"]


def test_a_name_that_is_taken_is_refused(send: Call, exported: str) -> None:
    assert send(exported, query="&name=dishes").json()["code"] == "BadRequestProjectNameNotUnique"


def test_a_name_that_is_too_long_is_refused(send: Call, exported: str) -> None:
    assert send(exported, query=f"&name={'x' * 101}").json()["code"] == "BadRequestProjectName"


def test_a_token_expires_after_a_day(send: Call, exported: str, monkeypatch: pytest.MonkeyPatch) -> None:
    in_a_day = time.time() + DAY_S + 5
    monkeypatch.setattr(time, "time", lambda: in_a_day)

    answer = send(exported).json()

    assert answer["code"] == "BadRequestInvalidImportToken"
    assert "expired" in answer["message"]


@pytest.mark.parametrize(
    "token",
    ["", "nonsense", signing.dumps("0" * 32, salt="another"), "https://x/y?sig=z"],
    ids=["empty", "nonsense", "signed for something else", "address"],
)
def test_a_token_that_is_none_is_refused(trainer: Any, token: str) -> None:
    with pytest.raises(CustomVisionErrorException) as raised:
        trainer.import_project(token)

    assert code_of(raised.value) == "BadRequestInvalidImportToken"


def test_a_token_of_a_deleted_project_is_refused(send: Call, exported: str, project: Project) -> None:
    Project.objects.update(live_iteration=None)
    project.delete()

    assert send(exported).json()["code"] == "BadRequestInvalidImportToken"


def test_a_token_must_be_sent(call: Call) -> None:
    assert call("post", "/projects/import").json()["code"] == "BadRequest"


def test_a_key_of_one_project_exports_it_and_imports_nothing(
    call: Call, send: Call, exported: str, project: Project
) -> None:
    _row, key = create_key(name="one", scope=ApiKey.Scope.TRAINING, by=None, project_uid=project.uid)

    assert call("get", f"/projects/{project.uid}/export", key=key).status_code == 200
    refused = send(exported, key=key)

    assert (refused.status_code, refused.json()["code"]) == (403, "ForbiddenUserInsufficientCapability")


def test_another_projects_key_exports_nothing(call: Call, project: Project) -> None:
    _row, key = create_key(name="one", scope=ApiKey.Scope.TRAINING, by=None, project_uid=uuid4())

    assert call("get", f"/projects/{project.uid}/export", key=key).json()["code"] == "NotFoundProject"


def test_a_project_in_training_is_not_exported(call: Call, project: Project) -> None:
    Iteration.objects.create(project=project, number=2, name="Iteration 2")

    assert call("get", f"/projects/{project.uid}/export").json()["code"] == "BadRequestExportWhileTraining"


def test_a_mirrored_project_is_not_exported(call: Call) -> None:
    mirrored = factories.make_project(backend="customvision", remote_id=uuid4())

    assert call("get", f"/projects/{mirrored.uid}/export").json()["code"] == "BadRequestOperationNotSupported"


def test_a_project_that_is_mirrored_meanwhile_is_not_imported(send: Call, exported: str, project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(backend="customvision")

    assert send(exported).json()["code"] == "BadRequestOperationNotSupported"


def test_an_iteration_that_was_trained_elsewhere_stays_with_the_original(
    call: Call, send: Call, project: Project
) -> None:
    Iteration.objects.create(project=project, number=7, name="noted", status="Completed", remote_id=uuid4())

    told = call("get", f"/projects/{project.uid}/export").json()
    made = Project.objects.get(uid=send(told["token"]).json()["id"])

    assert told["iterationCount"] == 1
    assert [each.name for each in made.iterations.all()] == ["Iteration 1"]


def test_a_project_whose_tags_are_all_deleted_is_copied(send: Call, exported: str, project: Project) -> None:
    project.tags.all().delete()

    made = Project.objects.get(uid=send(exported).json()["id"])

    assert [columns_of(each)[0].name for each in made.iterations.all()] == ["cannoli"]
