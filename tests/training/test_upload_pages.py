"""Images are uploaded through the pages: by scripts, and without JavaScript."""

import json
from http import HTTPStatus

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from engine.splitting import Part
from tests import factories
from tests.training.project_pages import photo, said, send, url
from training.models import Project

MEBI = 1024 * 1024


def test_one_corrupt_file_keeps_no_other_out(site: Client, project: Project) -> None:
    tag = project.tags.create(name="pizza")
    corrupt = SimpleUploadedFile("menu.jpg", b"%PDF-1.7 a menu")

    answer = send(site, project, photo("a.jpg"), corrupt, photo("b.jpg"), tag=tag.pk)

    results = {each["name"]: each for each in json.loads(answer.content)["results"]}
    assert {name: each["status"] for name, each in results.items()} == {
        "a.jpg": "OK",
        "menu.jpg": "ErrorImageFormat",
        "b.jpg": "OK",
    }
    assert "PDF" in results["menu.jpg"]["detail"]
    assert tag.images.count() == 2


def test_names_sent_apart_are_kept_and_answers_come_in_order(site: Client, project: Project) -> None:
    files = [
        photo("0"),
        SimpleUploadedFile("1", b"%PDF-1.7 a menu"),
        photo("2"),
        SimpleUploadedFile("3", bytes(7 * MEBI)),
    ]
    names = ['a "good" &amp; dish.jpg', "same.jpg", "same.jpg", "heavy\0.jpg"]

    results = json.loads(send(site, project, *files, name=names).content)["results"]

    assert [each["status"] for each in results] == ["OK", "ErrorImageFormat", "OK", "ErrorImageSize"]
    assert [each["name"] for each in results] == [*names[:3], "heavy.jpg"]
    assert set(project.images.values_list("name", flat=True)) == set(names[:2])


def test_same_upload_twice_adds_nothing(site: Client, project: Project) -> None:
    for status in ("OK", "OKDuplicate"):
        answer = send(site, project, photo(seed=7))
        assert json.loads(answer.content)["results"][0]["status"] == status

    assert project.images.count() == 1


def test_upload_without_javascript_leads_back_with_a_summary_and_the_refusals(site: Client, project: Project) -> None:
    corrupt = SimpleUploadedFile("menu.jpg", b"%PDF-1.7 a menu")

    answer = site.post(url("images_upload", project.pk), {"files": [photo(), corrupt]}, follow=True)

    assert said(answer) == "1 image added, 1 refused."
    assert [each["name"] for each in answer.context["refused"]] == ["menu.jpg"]
    assert site.get(url("images", project.pk)).context["refused"] == []


def test_file_that_is_too_heavy_is_refused_unread(site: Client, project: Project) -> None:
    heavy = SimpleUploadedFile("heavy.jpg", b"\xff\xd8" + bytes(6 * MEBI))

    result = json.loads(send(site, project, heavy).content)["results"][0]

    assert result["status"] == "ErrorImageSize"
    assert result["detail"]


def test_empty_file_is_refused_by_itself(site: Client, project: Project) -> None:
    answer = send(site, project, SimpleUploadedFile("empty.jpg", b""), photo())

    assert [each["status"] for each in json.loads(answer.content)["results"]] == ["ErrorImageFormat", "OK"]


def test_no_file_is_said(site: Client, project: Project) -> None:
    answer = site.post(url("images_upload", project.pk), {}, follow=True)

    assert said(answer) == "Choose at least one image."


def test_more_than_64_files_are_refused(site: Client, project: Project) -> None:
    answer = send(site, project, *(SimpleUploadedFile(f"{number}.jpg", b"x") for number in range(65)))

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert "at most 64" in json.loads(answer.content)["error"]


def test_tag_of_another_project_is_refused(site: Client, project: Project) -> None:
    tag = factories.make_project().tags.create(name="pizza")

    answer = send(site, project, photo(), tag=tag.pk)

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert not project.images.exists()


def test_held_out_images_are_only_measured_on(site: Client, project: Project) -> None:
    send(site, project, photo(), held_out="on")

    assert project.images.get().part == Part.HELD_OUT.value


def test_storage_that_is_away_is_told_of_each_file(site: Client, project: Project, storage_refuses: None) -> None:
    assert json.loads(send(site, project, photo()).content)["results"][0]["status"] == "ErrorStorage"
