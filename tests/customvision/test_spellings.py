"""What programs send is taken in each of the spellings that the service takes."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from pytest_django import Settings

from tests import factories
from tests.customvision.answers import Call, refusal
from training.models import Project, Tag
from training.services.publishing import publish
from training.services.starter import add_iteration

NAME = "Modèle 1/à l'essai"


@pytest.fixture
def project(db: None) -> Project:
    """Two tags and a published iteration."""
    made = factories.make_project(type=Project.Type.MULTILABEL)
    for name in ("cannoli", "risotto"):
        Tag.objects.create(project=made, name=name)
    iteration = add_iteration(project=made, head=factories.make_head("cannoli", "risotto"), metrics={})
    publish(iteration=iteration, by=None, name=NAME)
    return made


@pytest.fixture
def ask(client: Client, api_key: str, project: Project) -> Call:
    """Ask the published iteration: `ask("url", body, content_type)`."""

    def send(operation: str, body: bytes | str, content_type: str) -> Any:
        address = f"/customvision/v3.0/Prediction/{project.uid}/classify/iterations/{quote(NAME, safe='')}/{operation}"
        return client.generic("POST", address, body, content_type=content_type, headers={"Prediction-key": api_key})

    return send


@pytest.mark.parametrize("form", ["{uid}", "{uid.hex}", "{{{uid}}}", "{uid}/", "{uid}//"])
def test_ids_in_addresses_are_taken_in_each_form(call: Call, project: Project, form: str) -> None:
    answer = call("get", f"/projects/{form.format(uid=project.uid)}")

    assert answer.json()["id"] == str(project.uid)


def test_an_address_may_end_in_a_slash(call: Call, project: Project) -> None:
    assert [each["id"] for each in call("get", "/projects/").json()] == [str(project.uid)]


@pytest.mark.parametrize("operation", ["image/nostore", "image/nostore/", "Image/", "Image/NoStore"])
def test_a_publish_name_may_have_anything_in_it(ask: Call, project: Project, operation: str) -> None:
    answer = ask(operation, factories.make_photo(), "application/octet-stream")

    assert answer.json()["project"] == str(project.uid)


@pytest.mark.parametrize("host", ["evil.example", "no host"])
@pytest.mark.parametrize("path", ["/customvision/v3.3/training/projects", "//CustomVision/nowhere"])
def test_a_refusal_above_the_api_is_in_its_shape(
    client: Client, settings: Settings, db: None, path: str, host: str
) -> None:
    settings.SECURE_SSL_REDIRECT = True

    answer = client.request(REQUEST_METHOD="GET", PATH_INFO=path, HTTP_HOST=host)

    assert refusal(answer) == (400, "BadRequest")


def test_an_address_with_parameters_without_end_is_refused(call: Call, db: None) -> None:
    answer = call("post", "/projects?" + "&".join(f"a{number}=1" for number in range(1001)))

    assert refusal(answer) == (400, "BadRequest")


def test_the_root_of_the_api_is_answered_in_json(client: Client, db: None) -> None:
    assert client.get("/customvision//").json()["code"] == "NotFound"


def test_ids_in_a_list_may_have_spaces_between_them(call: Call, project: Project) -> None:
    images = [factories.make_image(project=project) for _ in range(2)]

    answer = call("get", f"/projects/{project.uid}/images/id?imageIds={images[0].uid}, {images[1].uid},")

    assert [each["id"] for each in answer.json()] == [str(image.uid) for image in images]


@pytest.mark.parametrize("name", ["url", "Url", "URL"])
def test_names_in_json_may_have_capital_letters(ask: Call, name: str) -> None:
    """As the examples of the service's own portal do."""
    answer = ask("url", json.dumps({name: "http://127.0.0.1/photo.jpg"}), "application/json")

    assert answer.json()["code"] == "BadRequestImageUrl"


def test_json_may_begin_with_a_byte_order_mark(call: Call, project: Project) -> None:
    body = b"\xef\xbb\xbf" + b'{"Description": "Of Italy"}'

    answer = call("patch", f"/projects/{project.uid}", data=body, content_type="application/json")

    assert answer.json()["description"] == "Of Italy"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_a_number_that_is_none_is_refused(call: Call, project: Project, number: str) -> None:
    body = f'{{"tags": [{{"id": "{project.uid}", "minThreshold": {number}}}]}}'

    answer = call("post", f"/projects/{project.uid}/predictions/query", data=body, content_type="application/json")

    assert answer.status_code == 400
    assert "finite" in answer.json()["message"]


def test_values_of_enumerations_are_taken_in_any_case(call: Call, project: Project) -> None:
    iteration = project.iterations.get()
    made = call("post", "/projects?name=Mushrooms&classificationType=multiclass").json()
    tag = call("post", f"/projects/{made['id']}/tags?name=none&type=NEGATIVE").json()
    measured = call("get", f"/projects/{project.uid}/iterations/{iteration.uid}/performance/images?orderBy=oldest")
    body = '{"orderBy": "suggested"}'
    asked = call("post", f"/projects/{project.uid}/predictions/query", data=body, content_type="application/json")

    assert (made["settings"]["classificationType"], tag["type"]) == ("Multiclass", "Negative")
    assert (measured.status_code, asked.json()["token"]["orderBy"]) == (200, "Suggested")


def _form(*parts: tuple[bytes, bytes]) -> bytes:
    return (
        b"".join(b"--xx\r\nContent-Disposition: form-data; " + each + b"\r\n" for each in _lines(parts)) + b"--xx--\r\n"
    )


def _lines(parts: tuple[tuple[bytes, bytes], ...]) -> list[bytes]:
    return [head + b"\r\n\r\n" + content for head, content in parts]


@pytest.mark.parametrize("name", ["café.jpg".encode("latin-1"), "café.jpg".encode()])
def test_a_file_name_may_be_in_either_of_the_usual_encodings(call: Call, project: Project, name: bytes) -> None:
    body = _form((b'name="imageData"; filename="' + name + b'"', factories.make_photo()))

    answer = call("post", f"/projects/{project.uid}/images", data=body, content_type="multipart/form-data; boundary=xx")

    assert answer.json()["images"][0]["sourceUrl"] == '"café.jpg"'


def test_the_picture_of_a_form_need_not_come_first(ask: Call, project: Project) -> None:
    body = _form((b'name="application"', b"a phone"), (b'name="imageData"; filename="p.jpg"', factories.make_photo()))

    answer = ask("image/nostore", body, "multipart/form-data; boundary=xx")

    assert answer.json()["project"] == str(project.uid)
