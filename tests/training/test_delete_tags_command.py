"""`manage.py delete_tags`."""

import builtins
import json

import pytest
from django.core.management import CommandError, call_command

from tests import factories
from training.models import Project, Tag

pytestmark = pytest.mark.django_db


@pytest.fixture
def pizza(project: Project, tags: list[Tag]) -> Tag:
    factories.make_image(project=project, tags=[tags[0]])
    return tags[0]


def answer(monkeypatch: pytest.MonkeyPatch, said: str | None) -> None:
    def ask(_question: str) -> str:
        if said is None:
            raise EOFError
        return said

    monkeypatch.setattr(builtins, "input", ask)


def names(project: Project) -> list[str]:
    return list(project.tags.order_by("name").values_list("name", flat=True))


def test_tag_goes_and_its_images_stay(project: Project, pizza: Tag, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("delete_tags", "PIZZA", "pizza", project="Dishes", yes=True, as_json=True)

    assert json.loads(capsys.readouterr().out) == {"deleted": [{"tag": "pizza", "images": 1, "shipped": 0}]}
    assert names(project) == ["risotto"]
    assert project.images.untagged().count() == 1


def test_dry_run_deletes_nothing(project: Project, pizza: Tag, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("delete_tags", "pizza", project="Dishes", dry_run=True)

    assert "pizza: 1 images would lose it" in capsys.readouterr().out
    assert names(project) == ["pizza", "risotto"]


def test_person_who_says_yes_is_believed(
    project: Project, pizza: Tag, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, "y")

    call_command("delete_tags", "pizza", project="Dishes")

    assert "1 images would lose it" in capsys.readouterr().err
    assert names(project) == ["risotto"]


@pytest.mark.parametrize(("said", "code", "sentence"), [("", 1, "Nothing was deleted"), (None, 2, "--yes")])
def test_without_a_yes_nothing_is_deleted(
    project: Project, pizza: Tag, monkeypatch: pytest.MonkeyPatch, said: str | None, code: int, sentence: str
) -> None:
    answer(monkeypatch, said)

    with pytest.raises(CommandError, match=sentence) as caught:
        call_command("delete_tags", "pizza", project="Dishes")

    assert caught.value.returncode == code
    assert names(project) == ["pizza", "risotto"]


@pytest.mark.parametrize(("name", "hint"), [("pizzza", "did you mean 'pizza'"), ("xyz", "lists them")])
def test_unknown_name_is_refused_with_the_nearest(project: Project, pizza: Tag, name: str, hint: str) -> None:
    with pytest.raises(CommandError, match=hint) as caught:
        call_command("delete_tags", "risotto", name, project="Dishes", yes=True)

    assert caught.value.returncode == 2
    assert names(project) == ["pizza", "risotto"]
