"""Projects and their tags: what cannot be made, and which names are the same."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from training.exceptions import Refused
from training.models import Project, Tag
from training.services.projects import create_project, create_tags, rename_tag

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]


@pytest.mark.parametrize("name", ["PIZZA", "pizza"])
def test_tag_is_unique_whatever_its_case(project: Project, tags: list[Tag], name: str) -> None:
    made, there = create_tags(project=project, names=[name])

    assert (made, there) == ([], [tags[0]])
    with pytest.raises(IntegrityError), transaction.atomic():
        Tag.objects.create(project=project, name=name)


def test_second_negative_tag_is_refused(project: Project) -> None:
    create_tags(project=project, names=["none"], type=Tag.Type.NEGATIVE)

    with pytest.raises(Refused):
        create_tags(project=project, names=["nothing"], type=Tag.Type.NEGATIVE)


def test_tag_cannot_take_the_name_of_another(project: Project, tags: list[Tag]) -> None:
    with pytest.raises(Refused):
        rename_tag(tags[0], name="Risotto")


@pytest.mark.parametrize(
    "fields", [{"name": " "}, {"name": "dishes"}, {"name": "x" * 101}, {"name": "New", "domain": "Landmarks"}]
)
def test_project_that_cannot_be_is_refused(project: Project, fields: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        create_project(**fields)


@pytest.mark.parametrize("name", ["pa\u0302te\u0301", "  pâté ", "PÂTÉ"])
def test_tag_that_looks_the_same_is_the_same(project: Project, name: str) -> None:
    create_tags(project=project, names=["pâté"])

    made, _ = create_tags(project=project, names=[name])

    assert made == []


@pytest.mark.parametrize("name", ["\u200b", "\u202eevil", "a\x00b", ""])
def test_name_that_cannot_be_seen_is_refused(project: Project, name: str) -> None:
    with pytest.raises(Refused):
        create_tags(project=project, names=[name])
