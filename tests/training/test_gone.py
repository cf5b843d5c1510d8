"""What was deleted says so, and leads to its project."""

from http import HTTPStatus

import pytest
from django.test import Client

from tests.training.project_pages import said, url
from training.models import Project


@pytest.mark.parametrize(
    ("name", "sentence", "back"),
    [
        ("image", "This image was deleted", "images"),
        ("tag_delete", "This tag was deleted", "tags"),
        ("iteration", "This iteration was deleted", "iterations"),
        ("publish", "This iteration was deleted", "iterations"),
    ],
)
def test_page_of_what_is_gone_leads_to_the_project(
    site: Client, project: Project, name: str, sentence: str, back: str
) -> None:
    answer = site.get(url(name, project.pk, 12345))

    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert sentence in answer.content.decode()
    assert f'href="{url(back, project.pk)}"' in answer.content.decode()


def test_page_of_a_project_that_is_gone_says_no_more(site: Client, db: None) -> None:
    answer = site.get(url("image", 12345, 1))

    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert "This image" not in answer.content.decode()


@pytest.mark.parametrize(("count", "is_folded"), [(5, False), (6, True)])
def test_more_than_five_names_are_folded(site: Client, project: Project, count: int, is_folded: bool) -> None:
    for number in range(count):
        project.tags.create(name=f"<dish {number}>")

    answer = site.post(url("train", project.pk), follow=True)

    page = answer.content.decode()
    assert ("<details><summary>Which ones" in page) is is_folded
    assert "&lt;dish 4&gt; (0)" in page
    assert (f"too few have: {count} tags." in said(answer)) is is_folded
