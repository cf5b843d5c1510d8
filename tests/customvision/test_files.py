"""Pictures behind signed links, and artifacts."""

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
import requests
from azure.cognitiveservices.vision.customvision.training.models import ImageFileCreateBatch, ImageFileCreateEntry
from django.test import Client

from accounts.keys import create_key, revoke_key
from accounts.models import ApiKey, User
from engine import images
from engine.images import refusals
from tests import factories
from tests.customvision.answers import Call
from training.models import Image


def link(call: Call, image: Image, name: str = "originalImageUri") -> str:
    """Return the link as a listing tells it, without scheme and host."""
    answer = call("get", f"/projects/{image.project.uid}/images/id?imageIds={image.uid}")
    return str(answer.json()[0][name]).removeprefix("http://testserver")


@pytest.fixture
def image(db: None) -> Image:
    return factories.make_image()


def test_picture_that_was_sent_comes_back_without_a_key(trainer: Any) -> None:
    project = trainer.create_project("Flowers")
    content = factories.make_photo(size=(900, 1600))
    entry = ImageFileCreateEntry(name="a.jpg", contents=bytearray(content))
    (result,) = trainer.create_images_from_files(project.id, ImageFileCreateBatch(images=[entry])).images

    whole, small = (
        requests.get(uri, timeout=10) for uri in (result.image.original_image_uri, result.image.thumbnail_uri)
    )

    assert (whole.status_code, whole.headers["Content-Type"]) == (200, "image/jpeg")
    assert whole.content == images.admit(content, limits=images.TRAINING).content
    assert images.admit(small.content, limits=images.TRAINING).height == 480


def test_artifact_is_streamed_by_the_sdk(trainer: Any, image: Image) -> None:
    path = f"/i-{image.project.uid.hex}/i-{image.uid.hex}"

    content = b"".join(trainer.get_artifact(image.project.uid, path))

    assert images.admit(content, limits=images.TRAINING).sha256 == image.picture.sha256


@pytest.mark.parametrize("format", ["JPEG", "PNG", "BMP", "GIF"])
def test_picture_is_of_its_own_type(call: Call, client: Client, db: None, format: str) -> None:
    image = factories.make_image(format=format)

    answer = client.get(link(call, image))

    assert (answer.status_code, answer["Content-Type"]) == (200, f"image/{format.lower()}")
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_other_sites_may_show_the_picture(call: Call, client: Client, image: Image) -> None:
    answer = client.get(link(call, image, "thumbnailUri"))

    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer["Cache-Control"] == "private, no-cache"


def test_link_is_good_for_a_day(call: Call, client: Client, image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    address = link(call, image)
    now = time.time()
    expires = int(parse_qs(urlsplit(address).query)["se"][0])

    assert abs(expires - now - 24 * 3600) < 60
    monkeypatch.setattr("customvision.files.time.time", lambda: now + 24 * 3600 + 1)
    expired = client.get(address)
    assert (expired.status_code, expired.json()["code"]) == (403, "Forbidden")


@pytest.mark.parametrize(
    "alter",
    [
        lambda address: address.partition("?")[0],
        lambda address: address[:-1] + ("A" if address[-1] != "A" else "B"),
        lambda address: address.replace("&se=", "&se=9"),
        lambda address: address.replace("?sk=", "?sk=9"),
        lambda address: address.replace("?sk=", "?x="),
        lambda address: address.replace("/i-", "/t-"),
        lambda address: address.replace("sig=", "sig=é"),
        lambda address: address.replace("se=", "se=-1&x="),
        lambda address: address.partition("&")[0],
    ],
)
def test_link_that_was_altered_opens_nothing(call: Call, client: Client, image: Image, alter: Any) -> None:
    answer = client.get(alter(link(call, image)))

    assert (answer.status_code, answer.json()["code"]) == (403, "Forbidden")
    assert answer.json()["message"].endswith(".")


def test_browser_asks_whether_the_picture_is_still_there(call: Call, client: Client, image: Image) -> None:
    address = link(call, image)
    known = client.get(address)["ETag"]

    again = client.get(address, headers={"If-None-Match": known})
    call("delete", f"/projects/{image.project.uid}/images?imageIds={image.uid}")
    gone = client.get(address, headers={"If-None-Match": known})

    assert (again.status_code, again.content, gone.status_code) == (304, b"", 404)


@pytest.mark.parametrize("end", ["revoked", "stopped"])
def test_link_ends_with_its_key(call: Call, client: Client, image: Image, end: str) -> None:
    key, text = create_key(name="camera", scope=ApiKey.Scope.ALL, by=factories.make_developer())
    answer = call("get", f"/projects/{image.project.uid}/images/id?imageIds={image.uid}", key=text)
    address = answer.json()[0]["originalImageUri"]
    assert client.get(address).status_code == 200

    revoke_key(key) if end == "revoked" else User.objects.filter(api_keys=key).update(is_active=False)

    assert client.get(address).status_code == 403
    assert client.get(link(call, image)).status_code == 200  # made for another key


def test_link_for_one_image_opens_no_other(call: Call, client: Client, image: Image) -> None:
    other = factories.make_image(project=image.project)

    assert client.get(link(call, image).replace(image.uid.hex, other.uid.hex)).status_code == 403


def test_picture_of_a_deleted_image_is_gone(call: Call, client: Client, image: Image) -> None:
    address = link(call, image)
    call("delete", f"/projects/{image.project.uid}/images?imageIds={image.uid}")

    answer = client.get(address)

    assert (answer.status_code, answer.json()["code"]) == (404, "NotFoundImage")


def test_storage_that_is_away_is_told_in_json(call: Call, client: Client, image: Image, storage_refuses: None) -> None:
    answer = client.get(link(call, image))

    assert (answer.status_code, answer.json()["code"]) == (503, "ErrorUnknown")
    assert answer["Retry-After"]


def test_thumbnail_of_a_damaged_picture_is_not_there(
    call: Call, client: Client, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.images.thumbnail", refuse)

    answer = client.get(link(call, image, "thumbnailUri"))

    assert (answer.status_code, answer.json()["code"]) == (404, "NotFoundImage")


def refuse(content: bytes, *, side: int) -> bytes:
    raise refusals.damaged("JPEG")


def test_links_are_only_read(call: Call, client: Client, image: Image) -> None:
    assert client.post(link(call, image)).json()["code"] == "BadRequestNotSupported"
    assert client.head(link(call, image)).status_code == 200


# Artifacts


def artifact(call: Call, image: Image, path: str) -> Any:
    return call("get", f"/projects/{image.project.uid}/artifacts", query_params={"path": path})


@pytest.mark.parametrize("kind", ["i", "t"])
def test_artifact_is_a_stream_of_bytes_as_recorded(call: Call, image: Image, kind: str) -> None:
    answer = artifact(call, image, f"/i-{image.project.uid.hex}/{kind}-{image.uid.hex}")

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/octet-stream")
    assert answer.content.startswith(b"\xff\xd8")


def test_artifact_of_another_project_is_refused(call: Call, image: Image) -> None:
    other = factories.make_image()

    answer = artifact(call, image, f"/i-{other.project.uid.hex}/i-{other.uid.hex}")

    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequestInvalidArtifactUri")


def test_image_of_another_project_is_no_artifact_of_this_one(call: Call, image: Image) -> None:
    other = factories.make_image()

    answer = artifact(call, image, f"/i-{image.project.uid.hex}/i-{other.uid.hex}")

    assert (answer.status_code, answer.json()["code"]) == (404, "NotFoundImage")


@pytest.mark.parametrize(
    "path", ["", "/", "../../etc/passwd", "http://[", "\0", "/i-{0}/../x", "/i-{0}/x-{0}", "é" * 500]
)
def test_path_that_leads_nowhere_is_told(call: Call, image: Image, path: str) -> None:
    answer = artifact(call, image, path.format(image.project.uid.hex))

    assert answer.status_code in {400, 404}
    assert answer.json()["code"] in {"BadRequestInvalidArtifactUri", "NotFound"}


def test_artifact_of_an_unknown_project_is_not_found(call: Call, db: None) -> None:
    assert call("get", f"/projects/{uuid4()}/artifacts?path=/a").json()["code"] == "NotFoundProject"
    assert call("get", f"/projects/{uuid4()}/artifacts").json()["code"] == "BadRequest"
