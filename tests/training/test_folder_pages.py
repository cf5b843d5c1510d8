"""A folder is judged for the page, which sends what its browser sees."""

import json
from base64 import b64encode
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests import factories
from tests.training.project_pages import url
from training.models import Project

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
