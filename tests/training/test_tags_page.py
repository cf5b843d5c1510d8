"""The page of tags: searched, sorted, a page at a time, with covers and recall."""

from collections.abc import Sequence

import pytest
from django.test import Client

from tests import factories
from tests.training.project_pages import make_image, url
from training.models import Project
from training.services.starter import add_iteration


@pytest.fixture
def tags(project: Project) -> Project:
    for name, count in (("apple pie", 1), ("pizza", 3), ("risotto", 2)):
        tag = project.tags.create(name=name)
        for _ in range(count):
            make_image(project).image_tags.create(tag=tag, is_only=True)
    recalls = {"apple pie": 0.9, "pizza": 0.4}
    metrics: dict[str, object] = {"per_tag": {name: {"recall": recall} for name, recall in recalls.items()}}
    add_iteration(project=project, head=factories.make_head(), metrics=metrics)
    return project


def names(site: Client, project: Project, **query: str) -> Sequence[str]:
    return [card.tag.name for card in site.get(url("tags", project.pk), query).context["cards"]]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("name", ["apple pie", "pizza", "risotto"]),
        ("count", ["pizza", "risotto", "apple pie"]),
        ("recall", ["pizza", "apple pie", "risotto"]),
        ("nonsense", ["apple pie", "pizza", "risotto"]),
    ],
)
def test_tags_are_sorted(site: Client, tags: Project, sort: str, expected: list[str]) -> None:
    assert names(site, tags, sort=sort) == expected


def test_tags_are_found_by_a_part_of_their_name(site: Client, tags: Project) -> None:
    assert names(site, tags, q="PI") == ["apple pie", "pizza"]


def test_nothing_found_is_said(site: Client, tags: Project) -> None:
    assert "No tag has this in its name." in site.get(url("tags", tags.pk), {"q": "soup"}).content.decode()


def test_card_shows_the_newest_picture_and_the_recall(site: Client, tags: Project) -> None:
    card = site.get(url("tags", tags.pk), {"q": "pizza"}).context["cards"][0]

    newest = tags.images.filter(tags__name="pizza").order_by("-pk")[0]
    assert (card.cover, card.recall) == (newest.picture.sha256, 0.4)


def test_a_hundred_tags_come_in_pages(site: Client, project: Project) -> None:
    for number in range(101):
        project.tags.create(name=f"tag {number:03}")

    assert len(names(site, project)) == 24
    assert names(site, project, page="5")[-1] == "tag 100"
