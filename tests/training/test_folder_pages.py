"""A folder is judged for the page, which sends what its browser sees."""

import io
import json
import zipfile
from base64 import b64encode
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from engine.splitting import Part
from tests import factories
from tests.training.project_pages import url
from training.models import Project
from training.views import folders

HEAD = b64encode(factories.make_photo(seed=1)[:64]).decode()


def judge(site: Client, project: Project, listing: object, **fields: str) -> Any:
    content = listing if isinstance(listing, bytes) else json.dumps(listing).encode()
    data = {"listing": SimpleUploadedFile("listing", content), **fields}
    return site.post(url("images_folder", project.pk), data, headers={"Accept": "application/json"})


def test_each_file_gets_its_tag_or_its_reason(site: Client, project: Project) -> None:
    tag = project.tags.create(name="Pizza")
    listing = [
        ["dishes/soup/1", 900, HEAD],
        ["dishes/pizza/2.JPG", 900, HEAD],
        ["dishes/pizza/3.jpg", 900, None],
        ["dishes/pizza/4.txt", 5, b64encode(b"hello").decode()],
        ["dishes/@eaDir/5.jpg", 900, HEAD],
    ]

    answer = judge(site, project, listing).json()

    assert answer["files"] == [
        {"place": 1, "tag": tag.pk, "held_out": False},
        {"place": 0, "tag": "", "held_out": False},
    ]
    assert [each["place"] for each in answer["left_out"]] == [2, 3]
    assert "could not open" in answer["left_out"][0]["detail"]
    assert answer["new_tags"] == [{"name": "soup", "detail": "1 photo"}]
    assert answer["system"] == "1 system file was left out."
    assert not project.images.exists()


def test_parts_are_told_unless_they_are_tags(site: Client, project: Project) -> None:
    listing = [["dishes/train/pizza/1.jpg", 900, HEAD], ["dishes/test/pizza/2.jpg", 900, HEAD]]

    answer = judge(site, project, listing).json()

    assert [each["held_out"] for each in answer["files"]] == [True, False]
    assert answer["splits"].startswith("test, train are read as parts")
    assert judge(site, project, listing, as_tags="on").json()["splits"] == ""


@pytest.mark.parametrize(
    "listing", [b"no JSON", b"[" * 5000, [["a.jpg"]], [["", 1, HEAD]], [["a.jpg", 1, "no base64"]], [["a", None, 1]], 5]
)
def test_list_that_makes_no_sense_is_refused(site: Client, project: Project, listing: object) -> None:
    answer = judge(site, project, listing)

    assert answer.status_code == 400
    assert "Choose it again" in answer.json()["error"]


def test_stranger_learns_nothing(client: Client, project: Project) -> None:
    assert judge(client, project, []).status_code in {302, 401, 403}


def zipped(files: dict[str, bytes]) -> SimpleUploadedFile:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, each in files.items():
            archive.writestr(name, each)
    return SimpleUploadedFile("dishes.zip", content.getvalue())


def send_zip(site: Client, project: Project, file: SimpleUploadedFile, **fields: object) -> Any:
    return site.post(url("images_zip", project.pk), {"zip": file, **fields}, headers={"Accept": "application/json"})


def test_zip_asks_before_tags_are_made(site: Client, project: Project) -> None:
    answer = send_zip(site, project, zipped({"pizza/1.jpg": factories.make_photo()}), confirmed="on")

    assert answer.json()["question"]["new_tags"] == [{"name": "pizza", "detail": "1 photo"}]
    assert not project.images.exists()
    assert not project.tags.exists()


def test_zip_is_uploaded_and_each_file_told(site: Client, project: Project) -> None:
    tag = project.tags.create(name="pizza")
    files = {"pizza/1.jpg": factories.make_photo(), "pizza/a.webp": b"RIFF0000WEBP", "__MACOSX/._1.jpg": b"x"}

    answer = send_zip(site, project, zipped(files)).json()

    assert {each["name"]: each["status"] for each in answer["results"]} == {
        "pizza/1.jpg": "OK",
        "pizza/a.webp": "ErrorImageFormat",
    }
    assert answer["system"] == "1 system file was left out."
    assert tag.images.count() == 1


def test_parts_in_a_zip_are_agreed_to_first(site: Client, project: Project) -> None:
    project.tags.create(name="pizza")
    files = {f"{part}/pizza/1.jpg": factories.make_photo() for part in ("train", "test")}

    assert "test, train" in send_zip(site, project, zipped(files)).json()["question"]["splits"]
    send_zip(site, project, zipped(files), confirmed="on")

    assert project.images.filter(part=Part.HELD_OUT.value).count() == 1
    assert project.images.count() == 2


def test_zip_on_a_tag_has_that_tag(site: Client, project: Project) -> None:
    tag = project.tags.create(name="pizza")

    send_zip(site, project, zipped({"anything/1.jpg": factories.make_photo()}), tag=tag.pk)

    assert tag.images.count() == 1


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff no ZIP", b"PK\x03\x04 broken"])
def test_broken_zip_is_refused_by_a_sentence(site: Client, project: Project, content: bytes) -> None:
    answer = send_zip(site, project, SimpleUploadedFile("a.zip", content))

    assert answer.status_code == 400
    assert answer.json()["error"] == "The ZIP is broken or incomplete, and cannot be read."


def test_zip_of_very_many_photos_is_for_the_command(
    site: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "MOST_PICTURES", 1)
    files = {f"pizza/{number}.jpg": factories.make_photo() for number in range(2)}

    assert "upload_images" in send_zip(site, project, zipped(files)).json()["error"]


def test_zip_without_javascript_is_asked_about_on_a_page(site: Client, project: Project) -> None:
    answer = site.post(url("images_zip", project.pk), {"zip": zipped({"pizza/1.jpg": factories.make_photo()})})

    page = answer.content.decode()
    assert "1 photo" in page
    assert '<input type="hidden" name="name" value="pizza">' in page
    assert not project.tags.exists()


def test_no_zip_is_said(site: Client, project: Project) -> None:
    assert site.post(url("images_zip", project.pk), {}, headers={"Accept": "application/json"}).json() == {
        "error": "Choose a ZIP."
    }
