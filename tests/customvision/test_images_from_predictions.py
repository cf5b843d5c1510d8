"""Training images are made of stored predictions."""

import json
from typing import Any
from uuid import uuid4

import pytest

from catalog.models import WaitingBlob
from customvision.models import StoredPrediction
from tests.customvision.answers import Call, refusal
from tests.customvision.stored import keep, make_answering_project, uid
from tests.factories import make_image, make_project
from training.models import Image, Project, Tag


@pytest.fixture
def project(db: None) -> Project:
    return make_answering_project()


def make_images(call: Call, project: Project, *given: Any, **batch: Any) -> Any:
    entries = [each if isinstance(each, dict) else {"id": str(each)} for each in given]
    path = f"/projects/{project.uid}/images/predictions"
    return call("post", path, data=json.dumps({"images": entries, **batch}), content_type="application/json")


def test_sdk_makes_an_image_of_a_prediction(trainer: Any, project: Project) -> None:
    stored, tag = keep(project), uid(project, "hot")

    summary = trainer.create_images_from_predictions(
        project.uid, {"images": [{"id": str(stored.uid)}], "tag_ids": [tag]}
    )

    assert summary.is_batch_successful
    image = Image.objects.get()
    assert (summary.images[0].source_url, summary.images[0].image.id) == (str(stored.uid), str(image.uid))
    assert (image.source, image.picture) == (Image.Source.CORRECTION, stored.picture)
    assert [each.name for each in image.tags.all()] == ["hot"]
    assert not StoredPrediction.objects.waiting().exists()


def test_answer_for_an_image_without_tags_is_as_recorded(call: Call, project: Project) -> None:
    stored = keep(project)

    response = make_images(call, project, stored.uid)

    [result] = response.json()["images"]
    assert (response.status_code, response.json()["isBatchSuccessful"]) == (200, True)
    assert (result["sourceUrl"], result["status"]) == (str(stored.uid), "OK")
    names = ["id", "created", "width", "height", "resizedImageUri", "thumbnailUri", "originalImageUri"]
    assert list(result["image"]) == names


def test_prediction_that_is_not_there_spoils_only_its_own_image(call: Call, project: Project) -> None:
    stored, missing = keep(project), uuid4()

    response = make_images(call, project, missing, stored.uid, "nonsense")

    assert response.status_code == 207
    assert [each["status"] for each in response.json()["images"]] == ["ErrorSource", "OK", "ErrorSource"]
    assert Image.objects.count() == 1


def test_prediction_of_an_image_that_is_there_already_is_a_duplicate(call: Call, project: Project) -> None:
    stored = keep(project)
    make_image(project=project, picture=stored.picture)

    response = make_images(call, project, stored.uid)

    assert (response.status_code, response.json()["images"][0]["status"]) == (207, "OKDuplicate")
    assert not StoredPrediction.objects.exists()


def test_prediction_stays_where_its_image_is_refused(call: Call, project: Project) -> None:
    stored = keep(project)

    response = make_images(call, project, {"id": str(stored.uid), "tagIds": [str(uuid4())]})

    assert (response.status_code, response.json()["images"][0]["status"]) == (207, "ErrorInvalidTag")
    assert StoredPrediction.objects.get() == stored


def test_prediction_stays_where_an_image_that_is_there_may_not_have_the_tag(call: Call, project: Project) -> None:
    stored = keep(project)
    negative = Tag.objects.create(project=project, name="none", type=Tag.Type.NEGATIVE)
    make_image(project=project, picture=stored.picture, tags=[negative])

    response = make_images(call, project, {"id": str(stored.uid), "tagIds": [uid(project, "hot")]})

    assert response.json()["images"][0]["status"] == "ErrorNegativeAndRegularTagOnSameImage"
    assert StoredPrediction.objects.get() == stored


def test_picture_that_the_storage_does_not_give_is_told_of(call: Call, project: Project, storage_refuses: None) -> None:
    stored = keep(project)
    WaitingBlob.objects.all().delete()

    response = make_images(call, project, stored.uid)

    assert (response.status_code, response.json()["images"][0]["status"]) == (207, "ErrorStorage")
    assert StoredPrediction.objects.get() == stored


def test_prediction_of_another_project_makes_no_image(call: Call, project: Project) -> None:
    response = make_images(call, make_project(), keep(project).uid)

    assert response.json()["images"][0]["status"] == "ErrorSource"


def test_images_of_more_than_64_predictions_are_refused_whole(call: Call, project: Project) -> None:
    assert refusal(make_images(call, project, *range(65))) == (400, "BadRequestExceededBatchSize")
