"""The project that answers from the first start on."""

import threading

import pytest
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection

from tests import factories
from training.models import Iteration, Project
from training.services.publishing import publish
from training.services.starter import add_iteration, install_starter

pytestmark = pytest.mark.django_db


@pytest.mark.proven
def test_starter_has_101_tags_and_is_live() -> None:
    iteration, is_new = install_starter()

    assert is_new
    assert iteration.project.name == "Food-101"
    assert iteration.project.tags.count() == 101
    assert Project.objects.get().live_iteration == iteration


def test_second_start_makes_nothing_twice() -> None:
    first, _ = install_starter()
    second, is_new = install_starter()

    assert (second, is_new) == (first, False)
    assert (Project.objects.count(), Iteration.objects.count()) == (1, 1)


def test_starter_says_how_good_it_is() -> None:
    metrics = install_starter()[0].metrics

    assert 0.67 <= metrics["top_1"] <= 1
    assert 0.89 <= metrics["top_5"] <= 1
    assert 0 <= metrics["calibration_error"] <= 0.04


@pytest.mark.django_db(transaction=True)
def test_two_starts_at_once_make_one_project() -> None:
    def start() -> None:
        install_starter()
        connection.close()

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (Project.objects.count(), Iteration.objects.count()) == (1, 1)


@pytest.mark.parametrize("name", ["pasta", "Pasta"])
def test_project_names_differ_by_more_than_case(name: str) -> None:
    factories.make_project(name="pasta")

    with pytest.raises(IntegrityError, match="project_name_is_unique"):
        factories.make_project(name=name)


def test_tag_names_are_unique_in_their_project_alone() -> None:
    one, other = factories.make_project(), factories.make_project()
    one.tags.create(name="pizza")
    other.tags.create(name="pizza")

    with pytest.raises(IntegrityError, match="tag_name_is_unique"):
        one.tags.create(name="Pizza")


def test_head_that_the_storage_lost_is_stored_again() -> None:
    iteration, _ = install_starter()
    default_storage.delete(iteration.head_key)

    install_starter()

    assert default_storage.exists(iteration.head_key)


@pytest.fixture
def earlier() -> Iteration:
    """The live iteration of a starter that an earlier Classifr has installed."""
    project = factories.make_project(name="Food-101", domain="Food")
    iteration = add_iteration(project=project, head=factories.make_head("pizza", "risotto"), metrics={})
    publish(iteration=iteration, by=None)
    return iteration


def test_starter_of_an_earlier_version_goes_on_answering_beside_the_new_one(earlier: Iteration) -> None:
    iteration, is_new = install_starter()

    assert (iteration.number, iteration.is_published, is_new) == (2, False, True)
    assert Project.objects.get().live_iteration == earlier
    assert install_starter() == (iteration, False)


def test_project_that_somebody_has_filled_gets_no_other_starter(earlier: Iteration) -> None:
    factories.make_image(project=earlier.project)

    assert install_starter() == (earlier, False)
    assert earlier.project.tags.count() == 0


def test_project_goes_with_its_live_iteration() -> None:
    project = install_starter()[0].project

    project.delete()

    assert not Iteration.objects.exists()
