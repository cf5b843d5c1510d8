"""The project that answers from the first start on."""

import threading

import pytest
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection

from engine import backbones
from engine.shipped import examples_of
from tests import factories
from training import evaluation, examples, snapshots
from training.labels import columns_of
from training.models import Iteration, Project
from training.services import starter
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


def test_starter_knows_what_it_was_made_of_and_said() -> None:
    iteration = install_starter()[0]

    own = snapshots.read(iteration.snapshot_key)
    figures = evaluation.figures(own)

    assert own.tags == tuple(label.name for label in columns_of(iteration))
    assert own.tag_ids == tuple(iteration.project.tags.get(name=name).pk for name in own.tags)
    assert (figures["trained_on"], figures["measured"]) == (4036, 808)
    # Those that are stored are cross-fitted.
    assert figures["top_1"] == pytest.approx(iteration.metrics["top_1"], abs=0.01)
    assert figures["average_precision"] == pytest.approx(iteration.metrics["average_precision"], abs=0.01)


def test_starter_has_enough_of_each_tag_to_train() -> None:
    project = install_starter()[0].project

    assert len(examples.check(project)) == 101
    assert sum(examples.shipped_counts(project).values()) == 4844


def test_starter_of_before_is_made_teachable_by_the_ids_of_its_tags() -> None:
    iteration = install_starter()[0]
    project = iteration.project
    project.tags.update(shipped_label="")
    project.iterations.update(snapshot_key="")
    project.tags.filter(name="pizza").update(name="margherita")
    project.tags.get(name="tacos").delete()
    project.tags.create(name="tacos")

    assert install_starter() == (iteration, False)

    iteration.refresh_from_db()
    labels = dict(project.tags.values_list("name", "shipped_label"))
    assert (labels["margherita"], labels["tacos"], labels["risotto"]) == ("pizza", "", "risotto")
    assert snapshots.read(iteration.snapshot_key).measured.sum() == 808


def test_snapshot_that_the_storage_lost_is_stored_again() -> None:
    iteration, _ = install_starter()
    default_storage.delete(iteration.snapshot_key)

    install_starter()

    assert default_storage.exists(iteration.snapshot_key)


def test_starter_of_a_backbone_without_examples_answers_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = examples_of(backbones.for_domain("General"))
    monkeypatch.setattr(starter, "examples_of", lambda card: nothing)

    iteration, is_new = install_starter()

    assert (is_new, iteration.snapshot_key) == (True, "")
    assert not iteration.project.tags.exclude(shipped_label="").exists()


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
