"""What pages and commands say of the vectors that are shipped with the model."""

import json
from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.test import Client

from tests.training.project_pages import make_image, url
from training.models import Iteration, Project, Tag
from training.services.starter import install_starter


@pytest.fixture
def taught(project: Project) -> Project:
    """Two dishes of the starter, 96 vectors, and one of its own."""
    labels = {"pizza": "pizza", "risotto": "risotto", "fondue": ""}
    Tag.objects.bulk_create(Tag(project=project, name=name, shipped_label=label) for name, label in labels.items())
    return project


def text(site: Client, address: str) -> str:
    return " ".join(site.get(address).content.decode().split())


def test_project_says_how_many_are_shipped(site: Client, taught: Project) -> None:
    page = text(site, url("project", taught.pk))

    assert "<strong>96</strong> vectors shipped with the model" in page
    assert "Each training also learns from the vectors that are shipped with the model" in page


def test_tag_with_shipped_vectors_lacks_no_image(site: Client, taught: Project) -> None:
    page = text(site, url("tags", taught.pk))

    assert page.count("and 48 shipped vectors") == 2
    assert page.count("5 more images are needed to train") == 1


def test_thousands_are_grouped_in_the_readers_language(site: Client) -> None:
    project = install_starter()[0].project

    assert "<strong>4,844</strong> vectors shipped with the model" in text(site, url("project", project.pk))


def test_project_of_another_domain_says_that_it_goes_without(site: Client, taught: Project) -> None:
    Project.objects.filter(pk=taught.pk).update(domain="General")

    page = text(site, url("project", taught.pk))

    assert "a training goes without them" in page
    page = text(site, url("tags", taught.pk))
    assert "shipped vectors" not in page
    assert page.count("5 more images are needed to train") == 3


def test_other_projects_say_nothing_of_it(site: Client, project: Project) -> None:
    make_image(project)

    assert "shipped" not in text(site, url("project", project.pk))


def test_deletion_of_a_tag_says_that_its_vectors_go(site: Client, taught: Project) -> None:
    pizza, fondue = taught.tags.get(name="pizza"), taught.tags.get(name="fondue")

    assert "48 vectors shipped with the model go with it" in text(site, url("tag_delete", taught.pk, pizza.pk))
    assert "shipped" not in text(site, url("tag_delete", taught.pk, fondue.pk))


@pytest.fixture
def starter(db: None) -> Iteration:
    return install_starter()[0]


def test_starters_worst_answers_are_told_without_photos(site: Client, starter: Iteration) -> None:
    page = text(site, url("iteration", starter.project_id, starter.number))

    assert page.count("Shipped as a vector, without its photo") == 12
    assert "Deleted since" not in page
    assert 'type="range"' in page
    assert "<dt>Of these, shipped as vectors</dt><dd>4844</dd>" in page


def test_confused_dishes_are_listed(site: Client, starter: Iteration) -> None:
    address = url("confusion", starter.project_id, starter.number)

    assert "Shipped as a vector" in text(site, f"{address}?truth=pizza&said=pizza")


# Commands


@pytest.fixture
def manage(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def run(*words: str) -> str:
        call_command(*words, "--project", "Dishes")
        output = capsys.readouterr()
        return output.out + output.err

    return run


def test_tags_are_listed_with_what_is_shipped(taught: Project, manage: Callable[..., str]) -> None:
    assert "Regular   pizza, and 48 vectors shipped with the model" in manage("tags")
    assert [tag["shipped_count"] for tag in json.loads(manage("tags", "--json"))] == [0, 48, 48]


def test_deletion_by_command_says_that_vectors_go(taught: Project, manage: Callable[..., str]) -> None:
    assert "pizza: 48 vectors shipped with it go too." in manage("delete_tags", "pizza", "fondue", "--dry-run")


def test_dry_run_tells_what_else_is_learned(taught: Project, manage: Callable[..., str]) -> None:
    taught.tags.get(name="fondue").delete()

    assert "It also learns from 96 vectors shipped with the model." in manage("train", "--dry-run")


def test_training_in_another_domain_warns(taught: Project, manage: Callable[..., str]) -> None:
    Project.objects.filter(pk=taught.pk).update(domain="General")
    for tag in taught.tags.all():
        for _ in range(5):
            make_image(taught).image_tags.create(tag=tag, is_only=True)

    assert "it goes without them" in manage("train", "--dry-run")
