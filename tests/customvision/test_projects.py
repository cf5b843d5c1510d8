"""Domains, projects and tags."""

import http.client
from typing import Any
from uuid import uuid4

import pytest
from azure.cognitiveservices.vision.customvision.training.models import CustomVisionErrorException
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from engine import backbones
from tests import factories
from tests.customvision.answers import Call, code_of
from tests.factories import make_image, make_project
from training.models import Project, Tag

FOOD = "c151d5b5-dd07-472a-acc8-15d29dea8518"


def test_the_food_domain_is_found_as_the_quickstart_does(trainer: Any) -> None:
    found = next(each for each in trainer.get_domains() if each.type == "Classification" and each.name == "Food")

    assert found.id == FOOD
    assert trainer.get_domain(found.id).exportable is False


def test_a_project_has_the_defaults_of_the_service(trainer: Any) -> None:
    made = trainer.create_project("Flowers")

    assert made.settings.classification_type == "Multilabel"
    assert made.settings.domain_id == "ee85a74c-405e-4adc-bb47-ffa8ca0c9f31"
    assert made.description == ""
    assert made.status == "Succeeded"


def test_a_project_of_the_food_domain_uses_the_food_backbone(trainer: Any) -> None:
    made = trainer.create_project("Dishes", "Italian", FOOD, "Multiclass")

    project = Project.objects.get(uid=made.id)
    assert (project.domain, project.type) == ("Food", "Multiclass")


@pytest.mark.parametrize(
    ("name", "backbone"),
    [
        ("General", "efficientnet-lite0-int8"),
        ("General [A1]", "efficientnet-lite2-int8"),
        ("General [A2]", "efficientnet-lite2-int8"),
        ("Food (compact)", "efficientnet-lite0-food-int8"),
    ],
)
def test_each_domain_is_kept_and_has_the_backbone_that_does_its_work(trainer: Any, name: str, backbone: str) -> None:
    domain = next(each for each in trainer.get_domains() if each.name == name)

    made = trainer.create_project("Flowers", "", domain.id, "Multiclass")

    assert made.settings.domain_id == domain.id
    assert backbones.for_domain(Project.objects.get(uid=made.id).domain).name == backbone


def test_projects_are_listed_newest_first(trainer: Any) -> None:
    for name in ("first", "second"):
        trainer.create_project(name)

    assert [each.name for each in trainer.get_projects()] == ["second", "first"]


def test_what_is_not_sent_of_a_project_stays(call: Call) -> None:
    project = factories.make_project(description="as it was")

    answer = call("patch", f"/projects/{project.uid}", data={"name": "Renamed"}, content_type="application/json")

    assert answer.json()["name"] == "Renamed"
    assert answer.json()["description"] == "as it was"


def test_a_project_of_the_same_name_is_refused(trainer: Any) -> None:
    trainer.create_project("Flowers")

    with pytest.raises(CustomVisionErrorException) as raised:
        trainer.create_project("flowers")

    assert code_of(raised.value) == "BadRequestProjectNameNotUnique"


def test_an_unknown_project_is_not_found(trainer: Any) -> None:
    with pytest.raises(CustomVisionErrorException) as raised:
        trainer.get_project(uuid4())

    assert code_of(raised.value) == "NotFoundProject"


def test_a_wrong_key_is_told_as_the_gateway_does(call: Call) -> None:
    answer = call("get", "/projects", key="nonsense")

    assert answer.status_code == 401
    assert answer.reason_phrase == "Access Denied"


@pytest.mark.parametrize("path", ["//CustomVision/V3.3/Training/projects", "/customvision//v3.0/training//projects"])
def test_addresses_are_taken_in_any_case(live_server: LiveServer, api_key: str, path: str) -> None:
    connection = http.client.HTTPConnection(live_server.thread.host, live_server.thread.port)
    connection.request("GET", path, headers={"training-KEY": api_key})
    answer = connection.getresponse().read()
    connection.close()

    assert answer == b"[]"


def test_a_method_that_is_not_there_is_told_in_json(call: Call) -> None:
    assert call("put", "/projects").json()["code"] == "BadRequestNotSupported"


def test_tags_are_made_changed_and_deleted(trainer: Any) -> None:
    project = trainer.create_project("Flowers")
    made = trainer.create_tag(project.id, "hemlock", description="a tree")

    made.name = "Hemlock"
    assert trainer.update_tag(project.id, made.id, made).description == "a tree"
    assert [each.name for each in trainer.get_tags(project.id)] == ["Hemlock"]
    trainer.delete_tag(project.id, made.id)
    assert trainer.get_tags(project.id) == []


def test_a_second_negative_tag_is_refused(trainer: Any) -> None:
    project = trainer.create_project("Flowers")
    trainer.create_tag(project.id, "none", type="Negative")

    with pytest.raises(CustomVisionErrorException) as raised:
        trainer.create_tag(project.id, "nothing", type="Negative")

    assert code_of(raised.value) == "BadRequestMultipleNegativeTag"


def test_an_unknown_tag_is_not_found(trainer: Any) -> None:
    project = trainer.create_project("Flowers")

    with pytest.raises(CustomVisionErrorException) as raised:
        trainer.get_tag(project.id, uuid4())

    assert code_of(raised.value) == "NotFoundTag"


def test_a_text_with_nul_is_refused(call: Call) -> None:
    project = factories.make_project()
    body = '{"description": "a\\u0000b"}'

    in_query = call("post", "/projects?name=a&description=a%00b")
    in_body = call("patch", f"/projects/{project.uid}", data=body, content_type="application/json")

    assert [each.status_code for each in (in_query, in_body)] == [400, 400]
    assert "NUL" in in_query.json()["message"]
    assert "NUL" in in_body.json()["message"]


@pytest.mark.parametrize("headers", [{"Transfer-Encoding": "chunked"}, {"Host": "elsewhere.example"}])
def test_what_is_refused_before_the_api_is_told_in_its_shape(
    client: Client, api_key: str, headers: dict[str, str]
) -> None:
    answer = client.get("/customvision/v3.3/training/projects", headers={"Training-key": api_key, **headers})

    assert answer.status_code in {400, 411}
    assert set(answer.json()) == {"code", "message"}
    assert answer.json()["message"].endswith(".")


def test_a_body_that_is_too_big_is_told_in_the_shape_of_the_api(call: Call) -> None:
    answer = call("post", "/projects?name=a", data=b" " * 2_000_000, content_type="application/json")

    assert answer.status_code == 413
    assert "at most 1.0 MB" in answer.json()["message"]


def test_a_truth_is_no_name(call: Call) -> None:
    project = factories.make_project()

    answer = call("patch", f"/projects/{project.uid}", data={"name": True}, content_type="application/json")

    assert answer.status_code == 400
    assert "name" in answer.json()["message"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": ""}, "BadRequestProjectName"),
        ({"name": "x" * 101}, "BadRequestProjectName"),
        ({"settings": {"classificationType": "Multiclass"}}, "BadRequestProjectUnsupportedDomainTypeChange"),
    ],
)
def test_a_change_of_a_project_is_refused_by_what_is_wrong(call: Call, change: dict[str, Any], code: str) -> None:
    project = make_project(type=Project.Type.MULTILABEL)
    make_image(project=project, tags=[Tag.objects.create(project=project, name=name) for name in "ab"])

    answer = call("patch", f"/projects/{project.uid}", data=change, content_type="application/json")

    assert answer.json()["code"] == code


def test_tags_are_listed_by_name(call: Call) -> None:
    project = make_project()
    names = ["rose", "hemlock", "cherry", "ash", "oak", "pine", "elm", "birch"]
    tags = [Tag.objects.create(project=project, name=name) for name in names]
    for tag in tags[::2]:
        make_image(project=project, tags=[tag])

    assert [tag["name"] for tag in call("get", f"/projects/{project.uid}/tags").json()] == sorted(names)


def test_a_change_of_a_tag_that_is_refused_changes_nothing(call: Call) -> None:
    project = make_project()
    tag = Tag.objects.create(project=project, name="hemlock")
    make_image(project=project, tags=[tag])

    change = {"name": "cherry", "type": "Negative"}
    answer = call("patch", f"/projects/{project.uid}/tags/{tag.uid}", data=change, content_type="application/json")

    tag.refresh_from_db()
    assert (answer.json()["code"], tag.name) == ("BadRequestTagType", "hemlock")


def test_every_platform_that_the_sdk_names_may_be_a_target(trainer: Any) -> None:
    targets = ["CoreML", "TensorFlow", "DockerFile", "ONNX", "VAIDK", "OpenVino"]

    project = trainer.create_project("Targets", target_export_platforms=targets)
    assert project.settings.target_export_platforms == targets
    project.settings.target_export_platforms = ["CoreML"]
    assert trainer.update_project(project.id, project).settings.target_export_platforms == ["CoreML"]
