"""Training images come in as they are, alone or in a form."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests import factories
from tests.customvision.answers import Call
from tests.customvision.incoming import make_tag, statuses
from training.models import Project


def post_parts(call: Call, project: Project, *parts: tuple[str, bytes], query: str = "") -> Any:
    heads = [f"--x\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() for head, _content in parts]
    body = b"".join(head + content + b"\r\n" for head, (_head, content) in zip(heads, parts, strict=True))
    path = f"/projects/{project.uid}/images{query}"
    return call("post", path, data=body + b"--x--\r\n", content_type="multipart/form-data; boundary=x")


# By the SDK


@pytest.mark.parametrize("wrap", [lambda content: content, io.BytesIO], ids=["bytes", "stream"])
def test_data_is_added_by_the_sdk(trainer: Any, wrap: Callable[[bytes], Any]) -> None:
    project = trainer.create_project("Flowers")
    tags = [trainer.create_tag(project.id, name).id for name in ("hemlock", "cherry")]

    summary = trainer.create_images_from_data(project.id, wrap(factories.make_photo()), tags)

    assert summary.is_batch_successful
    assert {each.tag_id for each in summary.images[0].image.tags} == set(tags)


def test_name_of_an_open_file_is_told_by_the_sdk(trainer: Any, tmp_path: Path) -> None:
    project = trainer.create_project("Flowers")
    path = tmp_path / "épinette.jpg"
    path.write_bytes(factories.make_photo())

    with path.open("rb") as file:
        summary = trainer.create_images_from_data(project.id, file)

    assert summary.images[0].source_url == f'"{path.name}"'


# Files in a form, or as they are


def test_parts_are_named_in_quotes_as_the_service_does(call: Call, project: Project) -> None:
    parts = [
        ('name="imageData"; filename="E:\\hemlock.jpg"', factories.make_photo()),
        ('name="imageData"; filename="épinette.jpg"', factories.make_photo()),
        ('name="imageData"', factories.make_photo()),
    ]

    answer = post_parts(call, project, *parts, query=f"?tagIds={make_tag(project)}")

    assert [each["sourceUrl"] for each in answer.json()["images"]] == ['"E:\\hemlock.jpg"', '"épinette.jpg"', ""]
    assert statuses(answer) == ["OK"] * 3
    names = project.images.filter(tags__name="hemlock").values_list("name", flat=True)
    assert set(names) == {"hemlock.jpg", "épinette.jpg", ""}


def test_file_of_a_form_is_taken(call: Call, project: Project) -> None:
    file = SimpleUploadedFile("a.png", factories.make_photo(format="PNG"), "image/png")

    answer = call("post", f"/projects/{project.uid}/images", data={"imageData": file})

    assert statuses(answer) == ["OK"]


@pytest.mark.parametrize("media_type", ["application/octet-stream", "image/png"])
def test_picture_alone_is_taken(call: Call, project: Project, media_type: str) -> None:
    content = factories.make_photo(format="PNG")

    answer = call("post", f"/projects/{project.uid}/images", data=content, content_type=media_type)

    assert statuses(answer) == ["OK"]


@pytest.mark.parametrize("comma", [",", "%2C", "&tagIds="])
def test_tags_are_listed_in_each_way(call: Call, project: Project, comma: str) -> None:
    tags = [make_tag(project, name) for name in "ab"]

    answer = post_parts(
        call, project, ('name="imageData"', factories.make_photo()), query=f"?tagIds={comma.join(tags)}"
    )

    assert {each["tagId"] for each in answer.json()["images"][0]["image"]["tags"]} == set(tags)


def test_parts_beyond_the_limit_are_counted(call: Call, project: Project) -> None:
    answer = post_parts(call, project, *[('name="imageData"', b"a")] * 70)

    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequestExceededBatchSize")
    assert "70" in answer.json()["message"]


def test_body_without_pictures_is_told(call: Call, project: Project) -> None:
    answer = call("post", f"/projects/{project.uid}/images", data=b"", content_type="application/octet-stream")

    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequestImageBatch")


def test_multipart_that_is_cut_is_refused(call: Call, project: Project) -> None:
    answer = call(
        "post", f"/projects/{project.uid}/images", data=b"--x\r\n", content_type="multipart/form-data; boundary=x"
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequestImageStream")
