"""The pages of projects and of their tags."""

from collections.abc import Callable
from http import HTTPStatus

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from tests import factories
from tests.training.project_pages import make_image, make_trainable, said, url
from training.models import Project, Tag

SignIn = Callable[[User], Client]


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
        with django_assert_num_queries(18):
            site.get(url("project", project.pk))
        with django_assert_num_queries(11):
            site.get(url("tags", project.pk))


def test_page_tells_what_there_is(site: Client, project: Project) -> None:
    make_trainable(project)
    make_image(project, quarantine="Several people could be meant.")

    context = site.get(url("project", project.pk)).context

    assert context["facts"] == {"images": 11, "quarantined": 1, "untagged": 1, "new": 11, "is_trained": False}
    cards = site.get(url("tags", project.pk)).context["cards"]
    assert [(card.tag.name, card.count, card.missing) for card in cards] == [
        ("pizza", 5, 0),
        ("risotto", 5, 0),
    ]


def test_page_of_a_project_never_trained_says_so(site: Client, project: Project) -> None:
    make_trainable(project)

    assert "10 images, not trained yet" in site.get(url("project", project.pk)).content.decode()


def test_tag_with_too_few_images_says_how_many_are_missing(site: Client, project: Project) -> None:
    project.tags.create(name="pizza")

    answer = site.get(url("tags", project.pk))

    assert answer.context["cards"][0].missing == 5
    assert "5 more images are needed" in answer.content.decode()


def test_unknown_project_is_not_found(site: Client) -> None:
    assert site.get(url("project", 10**9)).status_code == HTTPStatus.NOT_FOUND


# Tags


def test_tags_are_made_from_lines_and_commas(site: Client, project: Project) -> None:
    site.post(url("tags", project.pk), {"names": "cannoli, risotto\r\npizza\n\n"})

    assert list(project.tags.values_list("name", flat=True)) == ["cannoli", "pizza", "risotto"]


def test_tag_that_is_there_is_said(site: Client, project: Project) -> None:
    project.tags.create(name="pizza")

    answer = site.post(url("tags", project.pk), {"names": "Pizza, risotto"}, follow=True)

    assert "There already: pizza." in said(answer)
    assert project.tags.count() == 2


def test_negative_tag_is_made_once(site: Client, project: Project) -> None:
    site.post(url("tags", project.pk), {"names": "nothing", "is_negative": "on"})

    answer = site.post(url("tags", project.pk), {"names": "other", "is_negative": "on"})

    assert "one negative tag at most" in answer.content.decode()
    assert project.tags.get().type == Tag.Type.NEGATIVE


def test_no_name_is_said(site: Client, project: Project) -> None:
    answer = site.post(url("tags", project.pk), {"names": " , "})

    assert "Give at least one name." in answer.content.decode()


def test_script_gets_the_keys_of_new_and_old_tags(site: Client, project: Project) -> None:
    old = project.tags.create(name="pizza")

    answer = site.post(
        url("tags", project.pk), {"name": ["Pizza", "fish, fried"]}, headers={"Accept": "application/json"}
    )

    new = project.tags.get(name="fish, fried")
    assert answer.json() == {"tags": [{"id": new.pk, "name": "fish, fried"}, {"id": old.pk, "name": "pizza"}]}


def test_script_gets_the_sentence_of_a_refusal(site: Client, project: Project) -> None:
    answer = site.post(url("tags", project.pk), {"name": ["x" * 300]}, headers={"Accept": "application/json"})

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
