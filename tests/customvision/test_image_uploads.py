"""Training images come in as files in base64, many in a batch."""

import base64
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from azure.cognitiveservices.vision.customvision.training.models import (
    CustomVisionErrorException,
    ImageFileCreateBatch,
    ImageFileCreateEntry,
)

from jobs.models import Job
from tests import factories
from tests.customvision.answers import Call
from tests.customvision.incoming import make_tag, statuses
from tests.customvision.recordings import ANSWERS, differences
from training.models import Project
from training.services import intake


def in_base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def file_entry(name: str | None = "a.jpg", content: bytes | None = None, **fields: Any) -> dict[str, Any]:
    return {"name": name, "contents": in_base64(content or factories.make_photo()), **fields}


def post_files(call: Call, project: Project, *images: dict[str, Any], **fields: Any) -> Any:
    body = {"images": list(images), **fields}
    return call("post", f"/projects/{project.uid}/images/files", data=body, content_type="application/json")


# By the SDK


def test_files_are_added_by_the_sdk(trainer: Any) -> None:
    project = trainer.create_project("Flowers")
    tag = trainer.create_tag(project.id, "hemlock")
    entry = ImageFileCreateEntry(
        name="hemlock_1.jpg", contents=bytearray(factories.make_photo(size=(900, 1600))), tag_ids=[tag.id]
    )

    summary = trainer.create_images_from_files(project.id, ImageFileCreateBatch(images=[entry]))

    (result,) = summary.images
    assert (summary.is_batch_successful, result.status, result.source_url) == (True, "OK", "hemlock_1.jpg")
    assert (result.image.width, result.image.height) == (900, 1600)
    assert [each.tag_id for each in result.image.tags] == [tag.id]


def test_too_many_files_are_told_to_the_sdk(trainer: Any) -> None:
    project = trainer.create_project("Flowers")
    entries = [ImageFileCreateEntry(name="a", contents=bytearray(b"a"))] * 65

    with pytest.raises(CustomVisionErrorException, match=r"65.*64") as raised:
        trainer.create_images_from_files(project.id, ImageFileCreateBatch(images=entries))

    assert raised.value.error
    assert raised.value.error.code == "BadRequestExceededBatchSize"


# What is answered


def test_answer_has_the_fields_that_were_recorded(call: Call, project: Project) -> None:
    tag = make_tag(project)

    answer = post_files(call, project, file_entry(tagIds=[tag]))

    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    assert list(differences(answer.json(), ANSWERS["create_images_from_files"])) == []
    image = answer.json()["images"][0]["image"]
    assert [each["tagId"] for each in image["tags"]] == [tag]
    assert image["resizedImageUri"] == image["originalImageUri"]


def test_image_without_tags_and_metadata_has_no_such_fields(call: Call, project: Project) -> None:
    image = post_files(call, project, file_entry()).json()["images"][0]["image"]

    assert not {"tags", "metadata", "regions"} & image.keys()


def test_metadata_of_the_batch_is_on_each_image(call: Call, project: Project) -> None:
    answer = post_files(call, project, file_entry(), file_entry(), metadata={"caméra": "n° 1"})

    assert [each["image"]["metadata"] for each in answer.json()["images"]] == [{"caméra": "n° 1"}] * 2


def test_tags_of_the_batch_and_of_the_image_are_both_put_on(call: Call, project: Project) -> None:
    of_batch, own = make_tag(project, "a"), make_tag(project, "b")

    answer = post_files(call, project, file_entry(tagIds=[own]), tagIds=[of_batch])

    assert {each["tagId"] for each in answer.json()["images"][0]["image"]["tags"]} == {of_batch, own}


def test_names_are_told_as_they_were_sent(call: Call, project: Project) -> None:
    names = ["Épinette №1 🌲.jpg", "", None, "nul\0.jpg", "x" * 400]

    answer = post_files(call, project, *(file_entry(name) for name in names))

    assert [each["sourceUrl"] for each in answer.json()["images"]] == names
    assert set(statuses(answer)) == {"OK"}


def test_new_images_are_embedded_in_the_background(call: Call, project: Project) -> None:
    post_files(call, project, file_entry())

    assert Job.objects.get().kind == "embed"


@pytest.mark.parametrize("format", ["PNG", "BMP", "GIF", "JPEG"])
def test_each_format_is_taken(call: Call, project: Project, format: str) -> None:
    assert statuses(post_files(call, project, file_entry(content=factories.make_photo(format=format)))) == ["OK"]


# Each image by itself


def test_one_that_is_no_image_loses_none_of_the_others(call: Call, project: Project) -> None:
    broken = [{"name": "b", "contents": text} for text in ("%%%", in_base64(b"text"), "", None, "é", "YWJ")]

    answer = post_files(call, project, file_entry(), *broken, file_entry())

    assert answer.status_code == 207
    assert statuses(answer) == ["OK", *["ErrorImageFormat"] * len(broken), "OK"]
    assert [each["image"] is None for each in answer.json()["images"]] == [False, *[True] * len(broken), False]
    assert answer.json()["isBatchSuccessful"] is False
    assert project.images.count() == 2


@pytest.mark.parametrize("encode", [base64.encodebytes, base64.urlsafe_b64encode], ids=["with line breaks", "url-safe"])
def test_other_ways_to_write_base64_are_understood(
    call: Call, project: Project, encode: Callable[[bytes], bytes]
) -> None:
    entry = {"name": "a", "contents": encode(factories.make_photo()).decode()}

    assert statuses(post_files(call, project, entry)) == ["OK"]


def test_image_that_is_there_already_gets_the_tags_and_metadata(call: Call, project: Project) -> None:
    first, second = make_tag(project, "a"), make_tag(project, "b")
    content = factories.make_photo()
    post_files(call, project, file_entry(content=content, tagIds=[first]), metadata={"line": "1", "day": "Monday"})

    answer = post_files(call, project, file_entry(content=content, tagIds=[second]), metadata={"line": "2"})

    assert (answer.status_code, answer.json()["isBatchSuccessful"]) == (207, False)
    (result,) = answer.json()["images"]
    assert result["status"] == "OKDuplicate"
    assert {each["tagId"] for each in result["image"]["tags"]} == {first, second}
    assert result["image"]["metadata"] == {"line": "2", "day": "Monday"}


def test_same_picture_twice_in_a_batch_is_one_image(call: Call, project: Project) -> None:
    entry = file_entry()

    answer = post_files(call, project, entry, entry)

    assert statuses(answer) == ["OK", "OKDuplicate"]
    assert len({each["image"]["id"] for each in answer.json()["images"]}) == 1


def test_same_picture_twice_is_told_with_all_its_tags(call: Call, project: Project) -> None:
    entry, hemlock, cherry = file_entry(), make_tag(project), make_tag(project, "cherry")

    answer = post_files(call, project, entry | {"tagIds": [hemlock]}, entry | {"tagIds": [cherry]})

    told = [{tag["tagId"] for tag in each["image"]["tags"]} for each in answer.json()["images"]]
    assert told == [{hemlock, cherry}] * 2


def test_answer_tells_what_is_read_later(call: Call, project: Project) -> None:
    answer = post_files(call, project, file_entry(tagIds=[make_tag(project)]))

    [told], [read] = answer.json()["images"], call("get", f"/projects/{project.uid}/images").json()
    for tag in told["image"]["tags"] + read["tags"]:
        del tag["tagName"]  # which answers to uploads leave out
    links = ("resizedImageUri", "thumbnailUri", "originalImageUri")  # with the second of their signature
    assert {**told["image"], **dict.fromkeys(links)} == {**read, **dict.fromkeys(links)}


@pytest.mark.parametrize("tag_id", ["00000000-0000-4000-8000-000000000000", "no id", ""])
def test_tag_that_is_not_there_is_told_with_its_image(call: Call, project: Project, tag_id: str) -> None:
    answer = post_files(call, project, file_entry(tagIds=[tag_id]), file_entry())

    assert statuses(answer) == ["ErrorInvalidTag", "OK"]


def test_tag_of_another_project_is_not_there(call: Call, project: Project) -> None:
    other = make_tag(factories.make_project())

    assert statuses(post_files(call, project, file_entry(tagIds=[other]))) == ["ErrorInvalidTag"]


def test_second_tag_in_a_multiclass_project_is_too_many(call: Call) -> None:
    project = factories.make_project(type="Multiclass")
    tags = [make_tag(project, name) for name in "ab"]

    assert statuses(post_files(call, project, file_entry(tagIds=tags))) == ["ErrorTagLimitExceed"]
    assert not project.images.exists()


def test_another_tag_for_an_image_that_is_there_is_too_many_in_a_multiclass_project(call: Call) -> None:
    project = factories.make_project(type="Multiclass")
    first, second = make_tag(project, "a"), make_tag(project, "b")
    content = factories.make_photo()
    post_files(call, project, file_entry(content=content, tagIds=[first]))

    answer = post_files(call, project, file_entry(content=content, tagIds=[second]))

    assert statuses(answer) == ["ErrorTagLimitExceed"]
    assert [str(tag.uid) for tag in project.images.get().tags.all()] == [first]


@pytest.mark.parametrize("is_there", [False, True])
def test_negative_tag_excludes_others(call: Call, project: Project, is_there: bool) -> None:
    regular, negative = make_tag(project, "a"), make_tag(project, "none", type="Negative")
    content = factories.make_photo()
    if is_there:
        post_files(call, project, file_entry(content=content, tagIds=[regular]))

    wanted = [negative] if is_there else [regular, negative]
    answer = post_files(call, project, file_entry(content=content, tagIds=wanted))

    assert statuses(answer) == ["ErrorNegativeAndRegularTagOnSameImage"]


def test_project_that_is_full_takes_no_more(call: Call, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MOST_IMAGES", 1)

    assert statuses(post_files(call, project, file_entry(), file_entry())) == ["OK", "ErrorLimitExceed"]


def test_image_that_is_too_heavy_is_told(call: Call, project: Project) -> None:
    content = factories.make_photo(format="BMP", size=(1800, 1200))

    assert statuses(post_files(call, project, file_entry(content=content))) == ["ErrorImageSize"]


def test_image_that_is_too_long_is_told(call: Call, project: Project) -> None:
    content = factories.make_photo(size=(2600, 100))

    assert statuses(post_files(call, project, file_entry(content=content))) == ["ErrorImageDimensions"]


def test_storage_that_refuses_is_told_with_each_image(call: Call, project: Project, storage_refuses: None) -> None:
    answer = post_files(call, project, file_entry(), file_entry())

    assert (answer.status_code, statuses(answer)) == (207, ["ErrorStorage"] * 2)


# The batch as a whole


def test_more_than_twenty_different_tags_are_refused(call: Call, project: Project) -> None:
    tag_ids = [str(uuid4()) for _ in range(21)]

    answer = post_files(call, project, file_entry(tagIds=tag_ids[:11]), tagIds=tag_ids[10:])

    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequestExceededBatchSize")
    assert "21" in answer.json()["message"]
    assert "20" in answer.json()["message"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "BadRequestImageBatch"),
        (b"{}", "BadRequestImageBatch"),
        (b'{"images": null}', "BadRequestImageBatch"),
        (b'{"images": []}', "BadRequestImageBatch"),
        (b'{"images": {}}', "BadRequest"),
        (b'{"images": ["a"]}', "BadRequest"),
        (b'{"images": [{"contents": 5}]}', "BadRequest"),
        (b'{"images": [{"contents": NaN}]}', "BadRequest"),
        (b'{"images": [{"tagIds": [1e999]}]}', "BadRequest"),
        (b'{"images": [{"name": "\\ud800", "contents": "YQ=="}]}', "BadRequest"),
        (b'{"images": [{"name": "\xff", "contents": "YQ=="}]}', "BadRequest"),
        (b'{"images": [{"contents": "YQ==", "regions": [{"left": 0}]}]}', "BadRequestImageRegions"),
        (b'{"images": [{"contents": "YQ=="}], "metadata": {"": "a"}}', "BadRequestImageMetadataKey"),
        (b'{"images": [{"contents": "YQ=="}], "metadata": {"a\\u0000": "a"}}', "BadRequestImageMetadataKey"),
        (b'{"images": [{"contents": "YQ=="}], "metadata": {"a": "\\u0000"}}', "BadRequestImageMetadataValue"),
        (b'{"images": [{"contents": "YQ=="}], "metadata": {"a": 1}}', "BadRequest"),
        (b"[" * 100_000, "BadRequest"),
        (b'{"images":' * 5_000, "BadRequest"),
        (b"null", "BadRequest"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(call: Call, project: Project, body: bytes, code: str) -> None:
    path = f"/projects/{project.uid}/images/files"

    answer = call("post", path, data=body, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.json()["message"].endswith(".")
    assert not project.images.exists()


def test_lists_that_are_null_are_empty(call: Call, project: Project) -> None:
    answer = post_files(call, project, file_entry(tagIds=None, regions=None), tagIds=None, metadata=None)

    assert statuses(answer) == ["OK"]


def test_of_a_key_that_comes_twice_the_last_counts(call: Call, project: Project) -> None:
    body = f'{{"images": [], "images": {json.dumps([file_entry()])}}}'

    answer = call("post", f"/projects/{project.uid}/images/files", data=body, content_type="application/json")

    assert statuses(answer) == ["OK"]


def test_body_that_is_too_big_is_refused_unread(call: Call, project: Project) -> None:
    path = f"/projects/{project.uid}/images/files"

    answer = call("post", path, data=b"{}", content_type="application/json", CONTENT_LENGTH=str(129 * 1024 * 1024))

    assert answer.status_code == 413
    assert "128.0 MB" in answer.json()["message"]


def test_other_media_types_are_refused(call: Call, project: Project) -> None:
    answer = call("post", f"/projects/{project.uid}/images/files", data=b"a", content_type="text/plain")

    assert answer.status_code == 415


@pytest.mark.parametrize("path", ["/images/files", "/images/urls", "/images"])
def test_unknown_project_is_told(call: Call, db: None, path: str) -> None:
    answer = call("post", f"/projects/{uuid4()}{path}", data=b"{}", content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (404, "NotFoundProject")
