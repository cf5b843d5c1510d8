"""Copies of projects: the same pictures, tags of their own, iterations that answer and compare as before."""

from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Picture
from classifier.backends import get_backend
from engine.splitting import Part
from jobs import progress
from jobs.models import Job
from jobs.services import do_here
from tests import factories
from tests.training.test_local_backend import draw
from training import comparison, snapshots
from training.backends.base import TrainingOptions
from training.exceptions import NothingChanged, Refused
from training.labels import columns_of, labels_of
from training.models import Image, Iteration, Project, Tag
from training.services.learning import delete_iteration, has_changed, start_training, train_here
from training.services.project_copies import copy_project, free_name
from training.services.projects import create_project, create_tags, delete_project, rename_tag
from training.services.publishing import publish

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("in_english")]
COLOURS = ("blue", "red")


@pytest.fixture(autouse=True)
def no_pulse(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pulse of a job has a connection of its own, and does not see what this test has not committed."""
    monkeypatch.setattr(progress, "PULSE_S", 600)


def add_images(project: Project, *, each: int, seed: int) -> None:
    for tag in project.tags.filter(name__in=COLOURS):
        for place in range(each):
            factories.make_image(project=project, tags=[tag], content=draw(tag.name, seed + place))


def train(project: Project, *, force: bool = False) -> Iteration:
    return train_here(project=project, options=TrainingOptions(force=force), by=None, watch=None)


@pytest.fixture
def project() -> Project:
    """A project with everything that can be copied, trained once and published."""
    made = create_project(name="Dishes", description="Italian", api_settings={"domainId": "x"})
    create_tags(project=made, names=COLOURS, description="A colour.")
    create_tags(project=made, names=["neither"], type=Tag.Type.NEGATIVE)
    for seed in range(8):
        factories.make_image(project=made, tags=[made.tags.get(name="neither")], content=draw("green", seed))
    add_images(made, each=8, seed=0)
    factories.make_image(project=made, quarantine="blurred", seed=900, size=(64, 48))
    made.images.filter(quarantine="blurred").update(metadata={"shelf": "3"})
    publish(iteration=train(made), by=None, name="live")
    return Project.objects.get(pk=made.pk)


def rows(project: Project) -> list[Any]:
    """Return all that one sees of the images."""
    return [
        (
            (image.picture_id, image.name, image.part, image.quarantine, image.metadata, image.created_at),
            sorted((each.tag.name, each.is_only) for each in image.image_tags.all()),
        )
        for image in project.images.order_by("pk").prefetch_related("image_tags__tag")
    ]


def test_a_copy_has_the_same_of_everything(project: Project) -> None:
    copy = copy_project(project, name="Copy")

    for field in ("description", "domain", "type", "api_settings", "iterations_made"):
        assert getattr(Project.objects.get(pk=copy.pk), field) == getattr(project, field)
    about = ("name", "description", "type")
    assert list(copy.tags.values_list(*about)) == list(project.tags.values_list(*about))
    assert rows(copy) == rows(project)
    assert Picture.objects.count() == project.images.count()


def test_a_copy_is_known_by_other_ids(project: Project) -> None:
    copy = copy_project(project, name="Copy")

    for model in (Tag, Image, Iteration):
        uids = [model._default_manager.filter(project=each).values_list("uid", flat=True) for each in (project, copy)]
        assert len(uids[0]) == len(uids[1])
        assert not set(uids[0]) & set(uids[1])


def test_nothing_of_a_copy_is_published(project: Project) -> None:
    copy = Project.objects.get(pk=copy_project(project, name="Copy").pk)

    assert copy.live_iteration is None
    assert not copy.iterations.published().exists()
    assert project.iterations.published().exists()


def test_a_copied_iteration_answers_as_the_original_does(project: Project) -> None:
    copy = copy_project(project, name="Copy")
    photo = factories.admit(factories.make_photo(seed=1))

    old, new = (
        get_backend(each.backend).predict(photo, project=each, iteration=each.iterations.get()).predictions
        for each in (project, copy)
    )

    assert old == new
    assert copy.iterations.get().metrics == project.iterations.get().metrics


def test_labels_of_a_copied_iteration_are_its_own_tags(project: Project) -> None:
    tag = project.tags.get(name="red")
    rename_tag(tag, name="scarlet")

    copy = copy_project(project, name="Copy")

    labels = labels_of(copy.iterations.get())
    assert labels["red"].uid == copy.tags.get(name="scarlet").uid
    assert labels["blue"].uid == copy.tags.get(name="blue").uid


def test_labels_that_were_never_written_down_are_found_again(project: Project) -> None:
    Iteration.objects.update(labels=[])
    project.tags.get(name="red").delete()

    blue, neither, red = columns_of(copy_project(project, name="Copy").iterations.get())

    assert [blue.name, neither.name, red.name] == ["blue", "neither", "red"]
    assert blue.uid == Tag.objects.get(project__name="Copy", name="blue").uid
    assert neither.type == "Negative"


def test_a_new_iteration_of_a_copy_is_compared_with_a_copied_one(project: Project) -> None:
    expected = comparison.compare(train(project, force=True), project.iterations.get(number=1))
    copy = copy_project(project, name="Copy")
    new = train(copy, force=True)

    told = comparison.compare(new, copy.iterations.get(number=1))

    assert (told.old_right, told.pictures) == (expected.old_right, expected.pictures)
    assert told.old_right > 0
    assert set(snapshots.read(new.snapshot_key).tag_ids).isdisjoint(project.tags.values_list("pk", flat=True))


def test_two_copied_iterations_are_compared_as_before(project: Project) -> None:
    train(project, force=True)
    copy = copy_project(project, name="Copy")

    old, new = (
        comparison.compare(each.iterations.get(number=2), each.iterations.get(number=1)) for each in (project, copy)
    )

    assert (old.old_right, old.new_right, old.pictures) == (new.old_right, new.new_right, new.pictures)


def test_a_copy_that_nobody_changed_needs_no_training(project: Project) -> None:
    copy = copy_project(project, name="Copy")
    with pytest.raises(NothingChanged):
        train(copy)

    add_images(copy, each=1, seed=90)

    assert has_changed(copy, list(copy.tags.all()))


def test_a_copy_of_what_was_changed_can_be_trained(project: Project) -> None:
    add_images(project, each=1, seed=90)

    copy = copy_project(project, name="Copy")

    assert has_changed(copy, list(copy.tags.all()))


def test_failed_iterations_are_not_copied(project: Project) -> None:
    Iteration.objects.create(project=project, number=9, name="Iteration 9", status="Failed", error="No.")

    assert copy_project(project, name="Copy").iterations.count() == 1


def test_an_iteration_in_training_is_not_copied(project: Project) -> None:
    start_training(project=project, options=TrainingOptions(force=True), by=None)

    assert copy_project(project, name="Copy").iterations.count() == 1


def test_what_is_shared_stays_for_the_other(project: Project) -> None:
    copy = copy_project(project, name="Copy")
    Project.objects.update(live_iteration=None)
    project.iterations.update(publish_name="")
    delete_iteration(project.iterations.get())
    delete_project(project, by=None)

    do_here(Job.objects.get(kind="discard"))

    assert Picture.objects.count() == copy.images.count()
    assert snapshots.read(copy.iterations.get().snapshot_key)


def test_a_copy_costs_the_same_few_queries_for_any_number_of_images(project: Project) -> None:
    with CaptureQueriesContext(connection) as few:
        copy_project(project, name="Copy")
    for seed in range(5):
        factories.make_image(project=project, seed=700 + seed, size=(64, 48))
    with CaptureQueriesContext(connection) as more:
        copy_project(project, name="Another")

    assert len(few) == len(more)


def test_a_mirrored_project_is_not_copied() -> None:
    with pytest.raises(Refused, match="mirrored"):
        copy_project(factories.make_project(backend="customvision", remote_id=uuid4()), name="Copy")


def test_a_taken_name_leaves_no_half_copy(project: Project) -> None:
    with pytest.raises(Refused, match="that name already"):
        copy_project(project, name="dishes")

    assert Project.objects.count() == 1


def test_free_name_counts_on() -> None:
    for name in ("Dishes", "dishes (1)", "x" * 100):
        factories.make_project(name=name)

    assert free_name("Dishes") == "Dishes (2)"
    assert free_name("x" * 100) == "x" * 96 + " (1)"


def test_held_out_stays_held_out(project: Project) -> None:
    held_out = project.images.filter(part=Part.HELD_OUT.value).count()

    copy = copy_project(project, name="Copy")

    assert np.sign(held_out) == 1
    assert copy.images.filter(part=Part.HELD_OUT.value).count() == held_out
