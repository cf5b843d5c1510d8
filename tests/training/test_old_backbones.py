"""What was trained on a backbone that has a successor goes on as it was until somebody trains and publishes anew."""

import pytest
from django.core.management import call_command
from django.db.models import Count
from django.test import Client
from django.urls import reverse

from catalog.models import Vector
from classifier.backends.local import LocalBackend
from engine import backbones
from engine.backbones import Card
from tests import factories
from training.backends.base import TrainingOptions
from training.exceptions import NothingChanged
from training.models import Iteration, Project
from training.services import learning, publishing
from training.tasks import drop_old_vectors
from training.vectors import newer_backbone

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("in_english")]

OLD, NEW = "efficientnet-lite0-food", "efficientnet-lite0-food-int8"


def train(project: Project) -> Iteration:
    iteration = learning.train_here(project=project, options=TrainingOptions(), by=None, watch=None)
    assert iteration.status == Iteration.Status.COMPLETED, iteration.error
    return iteration


@pytest.fixture
def old(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iteration:
    """The live iteration of a project, trained and published when its backbone had no successor."""
    for name in ("pizza", "risotto"):
        tag = project.tags.create(name=name)
        for _ in range(6):
            factories.make_image(project=project, tags=[tag], size=(64, 48))
    card: Card = backbones.cards()[OLD]
    with monkeypatch.context() as earlier:
        earlier.setattr(backbones, "for_domain", lambda domain: card)
        iteration = train(project)
        publishing.publish(iteration=iteration, by=None)
        with pytest.raises(NothingChanged):
            train(project)
    return iteration


def counted() -> dict[str, int]:
    return dict(Vector.objects.values_list("backbone").annotate(vectors=Count("pk")))


def test_it_may_be_trained_again_though_nothing_else_changed(old: Iteration) -> None:
    new = train(old.project)

    assert (old.backbone, new.backbone) == (OLD, NEW)
    with pytest.raises(NothingChanged):
        train(old.project)


def test_it_answers_as_before_while_the_new_one_waits(old: Iteration) -> None:
    photo = factories.admit(factories.make_photo(seed=1))
    before = LocalBackend().predict(photo, project=old.project)

    new = train(old.project)

    project = Project.objects.get(pk=old.project.pk)
    after, beside = (LocalBackend().predict(photo, project=project, iteration=each) for each in (None, new))
    assert (after.iteration, after.backbone, after.predictions) == (old, OLD, before.predictions)
    assert beside.backbone == NEW


def test_both_vectors_of_a_picture_stay_while_the_old_one_answers(old: Iteration) -> None:
    new = train(old.project)
    dropped = drop_old_vectors.call()

    assert (dropped, counted()) == (0, {OLD: 12, NEW: 12})

    publishing.publish(iteration=new, by=None)
    dropped = drop_old_vectors.call()

    assert (dropped, counted()) == (12, {NEW: 12})


def test_vectors_of_what_is_no_old_backbone_are_not_touched() -> None:
    Vector.objects.create(picture=factories.make_picture(), backbone="somebody-elses", value=[1, 2])

    assert drop_old_vectors.call() == 0
    assert counted() == {"somebody-elses": 1}


def test_only_what_stands_on_an_old_backbone_has_a_successor(old: Iteration) -> None:
    found = newer_backbone(old)

    assert found is not None
    assert found.name == NEW
    assert newer_backbone(Iteration(project=old.project, backbone=NEW)) is None
    assert newer_backbone(Iteration(project=old.project)) is None


def test_pages_say_what_a_training_would_gain(site: Client, old: Iteration) -> None:
    sentence = f"Iteration 1 stands on the backbone {OLD}. A training now takes {NEW}"
    addresses = [
        reverse("training:project", args=[old.project.pk]),
        reverse("training:iteration", args=[old.project.pk, 1]),
    ]

    for address in addresses:
        assert sentence in site.get(address).content.decode(), address
    publishing.publish(iteration=train(old.project), by=None)
    assert sentence not in site.get(addresses[0]).content.decode()
    assert NEW in site.get(reverse("training:iteration", args=[old.project.pk, 2])).content.decode()


def test_the_command_says_which_iteration_stands_on_which(old: Iteration, capsys: pytest.CaptureFixture[str]) -> None:
    train(old.project)
    capsys.readouterr()

    call_command("iterations", "--project", "Dishes")

    first, second = capsys.readouterr().out.splitlines()

    assert f" {NEW} " in first
    assert f" {OLD} " in second
