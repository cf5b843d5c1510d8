"""The same photo under two tags is listed on the project's page, and one of them chosen."""

from typing import Any

import pytest
from django.test import Client

from tests import factories
from tests.training.project_pages import photo, send, url
from training.models import Contradiction, Project, Tag


def shown(site: Client, project: Project) -> Any:
    return site.get(url("images", project.pk)).context["contradictions"]


@pytest.fixture
def contradiction(site: Client, project: Project, tags: list[Tag]) -> Contradiction:
    for tag in (*tags, tags[1]):
        send(site, project, photo(seed=7), tag=tag.pk)
    return Contradiction.objects.get()


def test_page_lists_the_photo_with_both_tags(site: Client, project: Project, contradiction: Contradiction) -> None:
    page = site.get(url("images", project.pk)).content.decode()

    assert shown(site, project) == [contradiction]
    section = page[page.index('id="contradictions"') : page.index('id="grid"')]
    assert "pizza" in section
    assert "risotto" in section


@pytest.mark.parametrize(("fields", "name"), [({}, "pizza"), ({"change": ""}, "risotto")])
def test_one_tag_is_chosen_and_it_is_not_asked_again(
    site: Client, project: Project, contradiction: Contradiction, fields: dict[str, str], name: str
) -> None:
    site.post(url("contradiction_settle", project.pk, contradiction.pk), fields)
    send(site, project, photo(seed=7), tag=contradiction.tag.pk)

    assert [tag.name for tag in contradiction.image.tags.all()] == [name]
    assert shown(site, project) == []


def test_image_that_got_the_other_tag_meanwhile_is_not_listed(
    site: Client, project: Project, contradiction: Contradiction
) -> None:
    fields = {"ids": [contradiction.image_id], "tag": contradiction.tag.name}
    site.post(url("images_tag", project.pk), fields)

    assert shown(site, project) == []


def test_two_tags_are_no_contradiction_in_a_multilabel_project(site: Client) -> None:
    project = factories.make_project(type=Project.Type.MULTILABEL)
    for name in ("pizza", "risotto"):
        send(site, project, photo(seed=7), tag=project.tags.create(name=name).pk)

    assert shown(site, project) == []


def test_stranger_and_another_project_settle_nothing(
    site: Client, client: Client, project: Project, contradiction: Contradiction
) -> None:
    other = factories.make_project()

    assert site.post(url("contradiction_settle", other.pk, contradiction.pk)).status_code == 404
    assert site.get(url("contradiction_settle", project.pk, contradiction.pk)).status_code == 405
    Client().post(url("contradiction_settle", project.pk, contradiction.pk))
    assert Contradiction.objects.unsettled().exists()
