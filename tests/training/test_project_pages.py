"""Projects, their tags, uploads into them, and the start of a training."""

import json
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from engine.splitting import Part
from jobs.models import Job
from tests import factories
from training.models import Image, Iteration, Project, Tag
from training.services.starter import add_iteration

SignIn = Callable[[User], Client]

MEBI = 1024 * 1024


@pytest.fixture
def developer(db: None) -> User:
    return factories.make_developer(language="en")


@pytest.fixture
def site(signed_in: SignIn, developer: User) -> Client:
    return signed_in(developer)


@pytest.fixture
def project(db: None) -> Project:
    return factories.make_project(domain="Food")


def url(name: str, *args: Any) -> str:
    return reverse(f"training:{name}", args=args)


def said(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def photo(name: str = "dish.jpg", **fields: Any) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, factories.make_photo(**fields), "image/jpeg")


def send(site: Client, project: Project, *files: SimpleUploadedFile, **fields: Any) -> HttpResponse:
    headers = {"Accept": "application/json"}
    data = {"files": list(files), **fields}
    return site.post(url("images_upload", project.pk), data, headers=headers)  # type: ignore[return-value]


def make_image(project: Project, **fields: Any) -> Image:
    values = {"picture": factories.make_picture(), "original_sha256": "0" * 64, **fields}
    return Image.objects.create(project=project, **values)


def make_trainable(project: Project) -> None:
    for name in ("pizza", "risotto"):
        tag = project.tags.create(name=name)
        for _ in range(5):
            make_image(project).image_tags.create(tag=tag, is_only=True)


@pytest.mark.parametrize("make", [factories.make_user, factories.make_reviewer])
def test_others_never_learn_of_it(signed_in: SignIn, project: Project, make: Callable[[], User]) -> None:
    site, tag = signed_in(make()), project.tags.create(name="pizza")

    statuses = [
        site.get(url("projects")).status_code,
        site.get(url("project_new")).status_code,
        site.get(url("project", project.pk)).status_code,
        site.get(url("training", project.pk)).status_code,
        site.post(url("project_delete", project.pk)).status_code,
        site.post(url("train", project.pk)).status_code,
        site.post(url("tags_create", project.pk), {"names": "a"}).status_code,
        site.post(url("tag_rename", project.pk, tag.pk), {"name": "b"}).status_code,
        site.post(url("tag_delete", project.pk, tag.pk)).status_code,
        send(site, project, photo()).status_code,
    ]

    assert set(statuses) == {HTTPStatus.NOT_FOUND}
    assert list(project.tags.values_list("name", flat=True)) == ["pizza"]
    assert not project.images.exists()


def test_stranger_is_sent_to_sign_in(client: Client, project: Project) -> None:
    assert client.get(url("project", project.pk)).headers["Location"].startswith(reverse("accounts:login"))


def test_wrong_methods(site: Client, project: Project) -> None:
    tag = project.tags.create(name="pizza")
    only_post = [url(name, project.pk) for name in ("train", "tags_create", "images_upload")]
    only_get = [url("projects"), url("project", project.pk), url("training", project.pk)]

    statuses = [site.get(each).status_code for each in [*only_post, url("tag_rename", project.pk, tag.pk)]]
    statuses += [site.post(each).status_code for each in only_get]

    assert set(statuses) == {HTTPStatus.METHOD_NOT_ALLOWED}


# Projects


def test_list_costs_the_same_for_one_project_and_five(
    site: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for count in (1, 4):
        for _ in range(count):
            make_image(factories.make_project())
        with django_assert_num_queries(5):
            site.get(url("projects"))


def test_list_counts_tags_and_images_apart(site: Client, project: Project) -> None:
    make_trainable(project)

    [(listed, engine)] = site.get(url("projects")).context["rows"]

    assert (listed.tag_count, listed.image_count, engine) == (2, 10, "Classifr")


def test_project_is_made(site: Client, db: None) -> None:
    data = {"name": "Italian", "description": "", "domain": "Food", "type": "Multilabel", "backend": "local"}

    answer = site.post(url("project_new"), data)

    made = Project.objects.get()
    assert answer.headers["Location"] == url("project", made.pk)
    assert (made.name, made.domain, made.type, made.backend) == ("Italian", "Food", "Multilabel", "local")


def test_name_that_is_taken_is_said(site: Client, project: Project) -> None:
    data = {"name": project.name.upper(), "domain": "Food", "type": "Multiclass", "backend": "local"}

    answer = site.post(url("project_new"), data)

    assert "There is a project of that name already." in answer.content.decode()
    assert Project.objects.count() == 1


def test_engine_that_is_not_set_up_is_said(site: Client, settings: Settings) -> None:
    settings.CLASSIFR_CUSTOMVISION_TRAINING_KEY = ""
    data = {"name": "Remote", "domain": "Food", "type": "Multiclass", "backend": "customvision"}

    answer = site.post(url("project_new"), data)

    assert answer.context["form"].non_field_errors()
    assert not Project.objects.exists()


def test_project_is_deleted_once_that_is_confirmed(site: Client, project: Project) -> None:
    make_image(project)

    page = site.get(url("project_delete", project.pk))
    assert page.context["facts"]["images"] == 1

    site.post(url("project_delete", project.pk))
    assert not Project.objects.exists()


def test_published_project_is_not_deleted(site: Client, food_project: Project) -> None:
    answer = site.post(url("project_delete", food_project.pk), follow=True)

    assert "unpublish it first" in said(answer)
    assert Project.objects.exists()


def test_page_costs_the_same_for_any_number_of_tags(
    site: Client, project: Project, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for name in ("a", "bcdefghij"):
        for letter in name:
            project.tags.create(name=letter)
        with django_assert_num_queries(13):
            site.get(url("project", project.pk))


def test_page_tells_what_there_is(site: Client, project: Project) -> None:
    make_trainable(project)
    make_image(project, quarantine="Several people could be meant.")

    context = site.get(url("project", project.pk)).context

    assert context["facts"] == {"images": 11, "quarantined": 1, "untagged": 1, "new": 11, "is_trained": False}
    assert [(card.tag.name, card.count, card.missing) for card in context["cards"]] == [
        ("pizza", 5, 0),
        ("risotto", 5, 0),
    ]


def test_page_of_a_project_never_trained_says_so(site: Client, project: Project) -> None:
    make_trainable(project)

    assert "10 images, not trained yet" in site.get(url("project", project.pk)).content.decode()


def test_tag_with_too_few_images_says_how_many_are_missing(site: Client, project: Project) -> None:
    project.tags.create(name="pizza")

    answer = site.get(url("project", project.pk))

    assert answer.context["cards"][0].missing == 5
    assert "5 more images are needed" in answer.content.decode()


def test_unknown_project_is_not_found(site: Client) -> None:
    assert site.get(url("project", 10**9)).status_code == HTTPStatus.NOT_FOUND


# Tags


def test_tags_are_made_from_lines_and_commas(site: Client, project: Project) -> None:
    site.post(url("tags_create", project.pk), {"names": "cannoli, risotto\r\npizza\n\n"})

    assert list(project.tags.values_list("name", flat=True)) == ["cannoli", "pizza", "risotto"]


def test_tag_that_is_there_is_said(site: Client, project: Project) -> None:
    project.tags.create(name="pizza")

    answer = site.post(url("tags_create", project.pk), {"names": "Pizza, risotto"}, follow=True)

    assert "There already: pizza." in said(answer)
    assert project.tags.count() == 2


def test_negative_tag_is_made_once(site: Client, project: Project) -> None:
    site.post(url("tags_create", project.pk), {"names": "nothing", "is_negative": "on"})

    answer = site.post(url("tags_create", project.pk), {"names": "other", "is_negative": "on"})

    assert "one negative tag at most" in answer.content.decode()
    assert project.tags.get().type == Tag.Type.NEGATIVE


def test_no_name_is_said(site: Client, project: Project) -> None:
    answer = site.post(url("tags_create", project.pk), {"names": " , "})

    assert "Give at least one name." in answer.content.decode()


def test_script_gets_the_keys_of_new_and_old_tags(site: Client, project: Project) -> None:
    old = project.tags.create(name="pizza")

    answer = site.post(
        url("tags_create", project.pk), {"name": ["Pizza", "fish, fried"]}, headers={"Accept": "application/json"}
    )

    new = project.tags.get(name="fish, fried")
    assert answer.json() == {"tags": [{"id": new.pk, "name": "fish, fried"}, {"id": old.pk, "name": "pizza"}]}


def test_script_gets_the_sentence_of_a_refusal(site: Client, project: Project) -> None:
    answer = site.post(url("tags_create", project.pk), {"name": ["x" * 300]}, headers={"Accept": "application/json"})

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert "200" in answer.json()["error"]


def test_tag_is_renamed(site: Client, project: Project) -> None:
    tag = project.tags.create(name="piza")

    site.post(url("tag_rename", project.pk, tag.pk), {"name": "pizza"})

    assert project.tags.get().name == "pizza"


@pytest.mark.parametrize(
    ("name", "sentence"), [("Risotto", "a tag of that name already"), ("", "Give the tag a name"), ("x" * 201, "200")]
)
def test_name_that_cannot_be_is_said(site: Client, project: Project, name: str, sentence: str) -> None:
    tag = project.tags.create(name="pizza")
    project.tags.create(name="risotto")

    answer = site.post(url("tag_rename", project.pk, tag.pk), {"name": name}, follow=True)

    assert sentence in said(answer)
    assert set(project.tags.values_list("name", flat=True)) == {"pizza", "risotto"}


def test_deleting_a_tag_says_how_many_images_lose_it(site: Client, project: Project) -> None:
    make_trainable(project)
    tag = project.tags.get(name="pizza")

    assert "5 images lose this tag" in site.get(url("tag_delete", project.pk, tag.pk)).content.decode()
    site.post(url("tag_delete", project.pk, tag.pk))

    assert project.tags.get().name == "risotto"
    assert project.images.count() == 10


def test_tag_of_another_project_is_not_found(site: Client, project: Project) -> None:
    tag = factories.make_project().tags.create(name="pizza")

    assert site.post(url("tag_delete", project.pk, tag.pk)).status_code == HTTPStatus.NOT_FOUND
    assert site.post(url("tag_rename", project.pk, tag.pk), {"name": "b"}).status_code == HTTPStatus.NOT_FOUND


# Uploads


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
    assert site.get(url("project", project.pk)).context["refused"] == []


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


# Training


def test_training_is_queued(site: Client, project: Project, developer: User) -> None:
    make_trainable(project)

    site.post(url("train", project.pk))

    iteration = project.iterations.get()
    assert (iteration.status, iteration.created_by) == (Iteration.Status.NEW, developer)
    assert Job.objects.get(kind="train").state == "queued"


def test_what_is_missing_for_training_is_said(site: Client, project: Project) -> None:
    answer = site.post(url("train", project.pk), follow=True)

    assert said(answer)
    assert not project.iterations.exists()


def test_training_for_nothing_is_offered_and_can_be_forced(
    site: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_trainable(project)
    monkeypatch.setattr("training.services.learning.has_changed", lambda *args, **options: False)

    answer = site.post(url("train", project.pk), follow=True)
    assert 'name="force"' in answer.content.decode()
    assert not project.iterations.exists()

    site.post(url("train", project.pk), {"force": "1"})
    assert project.iterations.exists()


def test_second_training_at_once_is_refused(site: Client, project: Project) -> None:
    make_trainable(project)
    site.post(url("train", project.pk))

    answer = site.post(url("train", project.pk), follow=True)

    assert "in training already" in said(answer)


def test_training_is_polled_while_it_lasts(site: Client, project: Project) -> None:
    make_trainable(project)
    site.post(url("train", project.pk))
    fragment, htmx = url("training", project.pk), {"HX-Request": "true"}
    assert "every 2s" in site.get(fragment, headers=htmx).content.decode()

    site.post(reverse("jobs:cancel", args=[Job.objects.get(kind="train").pk]))

    page = site.get(fragment, headers=htmx).content.decode()
    assert "every 2s" not in page
    assert "The training was cancelled." in page or "annul" in page


def test_fragment_alone_leads_to_the_page(site: Client, project: Project) -> None:
    assert site.get(url("training", project.pk)).headers["Location"] == url("project", project.pk) + "#training"


def test_new_images_are_those_since_the_last_training(site: Client, project: Project) -> None:
    make_image(project)
    add_iteration(project=project, head=factories.make_head(), metrics={"precision": 0.9, "recall": None})
    Image.objects.update(created_at=timezone.now() - timedelta(days=1))
    make_image(project)

    answer = site.get(url("project", project.pk))

    assert answer.context["facts"]["new"] == 1
    assert "1 new image since the last training" in answer.content.decode()
    assert "90.0%" in answer.content.decode()
