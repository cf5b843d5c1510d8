"""Tags are put on images and taken off, and pairs of text too."""

from typing import Any
from uuid import uuid4

import pytest
from azure.cognitiveservices.vision.customvision.training.models import ImageTagCreateEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.customvision.answers import Call
from training.models import Image, Project, Tag
from training.services import tagging
from training.services.tagging import Pair


def make_tags(project: Project, *names: str, **fields: Any) -> list[Tag]:
    return [Tag.objects.create(project=project, name=name, **fields) for name in names]


def pair(image: Any, tag: Any) -> dict[str, str]:
    return {"imageId": str(image.uid), "tagId": str(tag.uid)}


def put(call: Call, project: Project, *pairs: dict[str, str]) -> Any:
    path = f"/projects/{project.uid}/images/tags"
    return call("post", path, data={"tags": list(pairs)}, content_type="application/json")


def take(call: Call, project: Project, images: list[Any], tags: list[Any]) -> Any:
    query = f"imageIds={','.join(str(each) for each in images)}&tagIds={'%2C'.join(str(each) for each in tags)}"
    return call("delete", f"/projects/{project.uid}/images/tags?{query}")


def tell(call: Call, project: Project, images: list[Any], body: Any) -> Any:
    path = f"/projects/{project.uid}/images/metadata?imageIds={','.join(str(each) for each in images)}"
    return call("post", path, data=body, content_type="application/json")


# By the SDK


def test_tags_are_put_on_and_taken_off_by_the_sdk(trainer: Any, project: Project) -> None:
    image, (tag,) = factories.make_image(project=project), make_tags(project, "dog")
    entry = ImageTagCreateEntry(image_id=str(image.uid), tag_id=str(tag.uid))

    summary = trainer.create_image_tags(project.uid, tags=[entry])

    assert ([each.image_id for each in summary.created], summary.duplicated) == ([str(image.uid)], [])
    assert trainer.get_tagged_image_count(project.uid) == 1
    trainer.delete_image_tags(project.uid, [image.uid], [tag.uid])
    assert trainer.get_untagged_image_count(project.uid) == 1


def test_metadata_is_put_on_by_the_sdk(trainer: Any, project: Project) -> None:
    image = factories.make_image(project=project)

    summary = trainer.update_image_metadata(project.uid, [image.uid], {"type": "unit test", "value": "30"})

    assert summary.is_batch_successful
    assert summary.images[0].metadata == {"type": "unit test", "value": "30"}
    assert trainer.get_images(project.uid, filter="metadata=type eq 'unit test'")[0].id == str(image.uid)


# Put on


def test_answer_to_tags_is_as_recorded(call: Call, project: Project) -> None:
    image, (tag,) = factories.make_image(project=project), make_tags(project, "dog")

    answer = put(call, project, pair(image, tag))

    assert answer.status_code == 200
    assert answer.json() == {"created": [pair(image, tag)], "duplicated": [], "exceeded": []}


def test_tag_that_the_image_has_is_a_duplicate(call: Call, project: Project) -> None:
    dog, cat = make_tags(project, "dog", "cat")
    image = factories.make_image(project=project, tags=[dog])

    answer = put(call, project, pair(image, dog), pair(image, cat), pair(image, cat))

    assert answer.json() == {
        "created": [pair(image, cat)],
        "duplicated": [pair(image, dog), pair(image, cat)],
        "exceeded": [],
    }


def test_second_tag_in_a_multiclass_project_is_too_many(call: Call) -> None:
    project = factories.make_project(type="Multiclass")
    dog, cat = make_tags(project, "dog", "cat")
    image = factories.make_image(project=project)

    answer = put(call, project, pair(image, dog), pair(image, cat))

    assert answer.json() == {"created": [pair(image, dog)], "duplicated": [], "exceeded": [pair(image, cat)]}
    assert list(image.tags.all()) == [dog]


@pytest.mark.parametrize("negative_first", [False, True])
def test_negative_tag_excludes_others(call: Call, project: Project, negative_first: bool) -> None:
    tags = [*make_tags(project, "dog"), *make_tags(project, "none", type="Negative")]
    first, second = reversed(tags) if negative_first else tags
    image = factories.make_image(project=project, tags=[first])

    assert put(call, project, pair(image, second)).json()["exceeded"] == [pair(image, second)]


def test_image_has_a_hundred_tags_at_most(call: Call, project: Project) -> None:
    tags = make_tags(project, *(f"tag {number}" for number in range(101)))
    image = factories.make_image(project=project)

    answer = put(call, project, *(pair(image, tag) for tag in tags))

    assert answer.json()["exceeded"] == [pair(image, tags[100])]
    assert image.tags.count() == tagging.MOST_TAGS_AN_IMAGE == 100


def test_full_batch_takes_few_queries(call: Call, project: Project) -> None:
    tags = make_tags(project, *(f"tag {number}" for number in range(8)))
    images = [factories.make_image(project=project) for _ in range(16)]
    put(call, project, pair(images[0], tags[0]))

    with CaptureQueriesContext(connection) as captured:
        answer = put(call, project, *(pair(image, tag) for image in images for tag in tags))

    assert len(answer.json()["created"]) == 127
    assert len(captured) < 16


def test_more_than_128_pairs_are_refused(call: Call, project: Project) -> None:
    image, (tag,) = factories.make_image(project=project), make_tags(project, "dog")

    answer = put(call, project, *[pair(image, tag)] * 129)

    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequestExceededBatchSize")
    assert "129" in answer.json()["message"]
    assert not image.tags.exists()


def test_unknown_image_or_tag_changes_nothing(call: Call, project: Project) -> None:
    (dog,) = make_tags(project, "dog")
    image, foreign = factories.make_image(project=project), factories.make_image()
    (foreign_tag,) = make_tags(foreign.project, "dog")

    assert put(call, project, pair(image, dog), pair(foreign, dog)).json()["code"] == "NotFoundImage"
    assert put(call, project, pair(image, dog), pair(image, foreign_tag)).json()["code"] == "NotFoundTag"
    assert not image.tags.exists()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        '{"tags": []}',
        '{"tags": [{}]}',
        '{"tags": [{"imageId": "a", "tagId": 1}]}',
        '{"tags": NaN}',
        "[" * 9_999,
        '{"tags": [{"imageId": 1e400, "tagId": null}]}',
    ],
)
def test_pairs_that_make_no_sense_are_refused(call: Call, project: Project, body: str) -> None:
    path = f"/projects/{project.uid}/images/tags"

    answer = call("post", path, data=body, content_type="application/json")

    assert answer.status_code == 400
    assert answer.json()["code"].startswith("BadRequest")


def test_image_that_is_deleted_meanwhile_is_left_out(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (dog,) = make_tags(project, "dog")
    stays, goes = (factories.make_image(project=project) for _ in range(2))
    goes_too = Image.objects.get(pk=goes.pk)
    goes.delete()

    done = tagging.tag_images(project, [Pair(stays, dog), Pair(goes_too, dog)])

    assert [(row.image, row.tag) for row in done.created] == [(stays, dog)]


# Taken off


def test_tags_are_taken_off_these_images_alone(call: Call, project: Project) -> None:
    dog, cat = make_tags(project, "dog", "cat")
    first, second = (factories.make_image(project=project, tags=[dog, cat]) for _ in range(2))

    answer = take(call, project, [first.uid], [dog.uid])

    assert (answer.status_code, answer.content) == (204, b"")
    assert list(first.tags.all()) == [cat]
    assert second.tags.count() == 2


def test_what_is_not_there_is_taken_off_without_an_error(call: Call, project: Project) -> None:
    foreign = factories.make_image()

    assert take(call, project, [uuid4(), foreign.uid], [uuid4()]).status_code == 204


@pytest.mark.parametrize(("images", "tags"), [(65, 1), (1, 21)])
def test_too_many_at_once_are_refused(call: Call, project: Project, images: int, tags: int) -> None:
    answer = take(call, project, [uuid4() for _ in range(images)], [uuid4() for _ in range(tags)])

    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequestExceededBatchSize")


@pytest.mark.parametrize("query", ["", "?imageIds=", "?imageIds={0}", "?imageIds={0}&tagIds=", "?tagIds={0}"])
def test_images_and_tags_must_be_named(call: Call, project: Project, query: str) -> None:
    answer = call("delete", f"/projects/{project.uid}/images/tags{query.format(uuid4())}")

    assert answer.status_code == 400
    assert answer.json()["code"].startswith("BadRequest")


# Metadata


def test_answer_to_metadata_is_as_recorded(call: Call, project: Project) -> None:
    image = factories.make_image(project=project)

    answer = tell(call, project, [image.uid], {"type": "unit test", "value": "30"})

    assert answer.status_code == 200
    metadata = {"type": "unit test", "value": "30"}
    told = {"imageId": str(image.uid), "status": "OK", "metadata": metadata}
    assert answer.json() == {"isBatchSuccessful": True, "images": [told]}


def test_pairs_are_added_to_those_that_are_there(call: Call, project: Project) -> None:
    image = factories.make_image(project=project)
    tell(call, project, [image.uid], {"line": "1", "день": "понедельник 🌧"})

    answer = tell(call, project, [image.uid], {"line": "2"})

    assert answer.json()["images"][0]["metadata"] == {"line": "2", "день": "понедельник 🌧"}


def test_each_image_is_told_by_itself(call: Call, project: Project) -> None:
    full, free = (factories.make_image(project=project) for _ in range(2))
    tell(call, project, [full.uid], {str(number): "" for number in range(10)})
    unknown = uuid4()

    answer = tell(call, project, [full.uid, unknown, free.uid], {"line": "1"})

    assert answer.status_code == 207
    assert answer.json() == {
        "isBatchSuccessful": False,
        "images": [
            {"imageId": str(full.uid), "status": "ErrorLimitExceed"},
            {"imageId": str(unknown), "status": "ErrorImageNotFound"},
            {"imageId": str(free.uid), "status": "OK", "metadata": {"line": "1"}},
        ],
    }
    full.refresh_from_db()
    assert "line" not in full.metadata


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"%s": ""}' % ("k" * 129), "BadRequestImageMetadataKey"),
        ('{"": "a"}', "BadRequestImageMetadataKey"),
        ('{"a\\u0000": "a"}', "BadRequestImageMetadataKey"),
        ('{"a": "%s"}' % ("v" * 257), "BadRequestImageMetadataValue"),
        ('{"a": "\\u0000"}', "BadRequestImageMetadataValue"),
        ('{"a": "\\ud800"}', "BadRequest"),
        ('{"a": null}', "BadRequest"),
        ('{"a": 1}', "BadRequest"),
        ('{"a": {"b": "c"}}', "BadRequest"),
        ('["a"]', "BadRequest"),
        ("a", "BadRequest"),
        ('{"a":' * 9_999, "BadRequest"),
    ],
)
def test_pairs_that_no_image_may_have_are_refused(call: Call, project: Project, body: str, code: str) -> None:
    image = factories.make_image(project=project)

    answer = tell(call, project, [image.uid], body)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    image.refresh_from_db()
    assert image.metadata == {}


def test_longest_pairs_are_taken(call: Call, project: Project) -> None:
    image = factories.make_image(project=project)

    assert tell(call, project, [image.uid], {"é" * 128: "é" * 256}).status_code == 200


def test_images_must_be_named_for_metadata(call: Call, project: Project) -> None:
    assert tell(call, project, [], {"a": "b"}).json()["code"] == "BadRequestRequiredParamIsNull"
    assert tell(call, project, [uuid4()] * 257, {"a": "b"}).json()["code"] == "BadRequestExceededBatchSize"


@pytest.mark.parametrize("path", ["/images/tags", "/images/metadata?imageIds={0}"])
def test_unknown_project_is_told(call: Call, db: None, path: str) -> None:
    answer = call("post", f"/projects/{uuid4()}{path.format(uuid4())}", data={}, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (404, "NotFoundProject")
