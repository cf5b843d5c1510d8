"""What a program's picture is answered by, from one request to the next."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.keys import create_key, revoke_key
from accounts.models import ApiKey
from tests import factories
from training.models import Iteration, Project, Tag
from training.services.publishing import unpublish

PHOTO = factories.make_photo()
Classify = Callable[..., Any]
kept = pytest.mark.django_db(transaction=True)
"""Outside of a transaction key and publication are kept from one request to the next."""


@pytest.fixture
def project(food_project: Project) -> Project:
    Iteration.objects.filter(project=food_project).update(publish_name="live")
    return food_project


@pytest.fixture
def classify(client: Client, api_key: str, project: Project) -> Classify:
    """Send a picture; return the answer."""

    def send(name: str = "live", *, key: str = api_key) -> HttpResponse:
        address = f"/customvision/v3.1/prediction/{project.uid}/classify/iterations/{name}/image/nostore"
        headers = {"Prediction-Key": key}
        return client.post(address, PHOTO, "application/octet-stream", headers=headers)  # type: ignore[return-value]

    return send


def labels(answer: Any) -> dict[str, str]:
    return {each["tagName"]: each["tagId"] for each in answer.json()["predictions"]}


@kept
def test_unpublished_iteration_answers_no_more(classify: Classify, project: Project) -> None:
    assert classify().status_code == 200

    unpublish(iteration=project.iterations.get(), reason="", by=None)

    assert classify().json()["code"] == "NotFoundIteration"


@kept
def test_other_name_answers_at_once(classify: Classify, project: Project) -> None:
    assert classify().status_code == 200

    project.iterations.update(publish_name="next")

    assert (classify().status_code, classify("next").status_code) == (404, 200)


@kept
def test_revoked_key_ends_predictions_at_once(classify: Classify) -> None:
    key, text = create_key(name="old", scope=ApiKey.Scope.PREDICTION, by=None)
    assert classify(key=text).status_code == 200

    revoke_key(key)

    assert classify(key=text).status_code == 401


@kept
def test_deleted_project_is_not_found(classify: Classify, project: Project) -> None:
    assert classify().status_code == 200

    Project.objects.update(live_iteration=None)
    project.iterations.all().delete()
    project.delete()

    assert classify().json()["code"] == "NotFoundProject"


def test_key_of_another_project_does_not_see_what_others_asked(classify: Classify) -> None:
    _key, text = create_key(
        name="other", scope=ApiKey.Scope.PREDICTION, by=None, project_uid=factories.make_project().uid
    )
    assert classify().status_code == 200

    assert classify(key=text).json()["code"] == "NotFoundProject"


def test_labels_are_those_of_the_training(classify: Classify, project: Project) -> None:
    tag = project.tags.get(name="pizza")

    project.tags.filter(pk=tag.pk).update(name="flatbread")

    assert labels(classify())["pizza"] == str(tag.uid)


@kept
def test_labels_that_change_are_told_at_once(classify: Classify, project: Project) -> None:
    classify()
    iteration = project.iterations.get()
    iteration.labels = [[str(project.uid), "pizza", Tag.Type.REGULAR]]
    iteration.save(update_fields=["labels"])

    assert labels(classify())["pizza"] == str(project.uid)


def test_tags_stand_in_for_labels_that_were_not_written_down(classify: Classify, project: Project) -> None:
    project.iterations.update(labels=[])
    classify()
    tag = project.tags.get(name="pizza")
    Tag.objects.filter(pk=tag.pk).update(uid=project.uid)

    assert labels(classify())["pizza"] == str(project.uid)


def test_empty_name_finds_no_unpublished_iteration(classify: Classify, project: Project) -> None:
    project.iterations.update(publish_name="")

    assert classify("").status_code == 404


@kept
def test_prediction_asks_the_database_nothing(classify: Classify) -> None:
    classify()  # which notes the use of the key, and so changes it
    classify()

    with CaptureQueriesContext(connection) as asked:
        assert classify().status_code == 200

    assert not asked.captured_queries


def test_answer_is_safe_without_the_middleware_of_pages(classify: Classify) -> None:
    answer = classify()

    assert answer["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Length"] == str(len(answer.content))
    assert not answer.cookies


def test_unknown_host_is_refused(client: Client, db: None) -> None:
    answer = client.get("/customvision/v3.3/training/projects", headers={"host": "evil.example"})

    assert answer.status_code == 400
    assert answer["Content-Type"].startswith("application/json")
