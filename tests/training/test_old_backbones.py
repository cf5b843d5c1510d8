"""What was trained on a backbone that has a successor goes on as it was until somebody trains and publishes anew."""

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count
from django.test import Client
from django.urls import reverse

from catalog import storage
from catalog.models import Vector
from classifier.backends.local import LocalBackend
from engine import backbones
from engine.backbones import Card
from engine.splitting import Part
from jobs.progress import Progress
from tests import factories
from training import comparison, snapshots
from training.backends.base import TrainingOptions
from training.exceptions import NothingChanged
from training.models import Image, Iteration, Project
from training.services import learning, projects, publishing
from training.tasks import drop_old_vectors
from training.vectors import embed_missing, newer_backbone

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("in_english")]

OLD, NEW = "efficientnet-lite0-food", "efficientnet-lite0-food-int8"


def train(project: Project) -> Iteration:
    iteration = learning.train_here(project=project, options=TrainingOptions(), by=None, watch=None)
    assert iteration.status == Iteration.Status.COMPLETED, iteration.error
    return iteration


@pytest.fixture
def old(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iteration:
    """The live iteration of a project, trained and published when its backbone had no successor."""
    for row, name in enumerate(("pizza", "risotto")):
        tag = project.tags.create(name=name)
        for seed in range(6):  # the same in each run: two that happen to be alike would be kept together
            factories.make_image(project=project, tags=[tag], seed=10 * row + seed, size=(64, 48))
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


def add_pictures(project: Project) -> None:
    """Add four pictures of each tag, of which the last is held out."""
    for row, tag in enumerate(project.tags.all()):
        for seed, part in enumerate((Part.TRAINING, Part.TRAINING, Part.TRAINING, Part.HELD_OUT)):
            factories.make_image(project=project, tags=[tag], part=part, seed=100 + 10 * row + seed, size=(64, 48))


def test_new_one_is_compared_with_it_on_pictures_added_since(old: Iteration) -> None:
    add_pictures(old.project)

    new = train(old.project)

    told = comparison.compare(new, old)
    assert told.by_folds
    assert told.pictures == 20
    assert counted() == {OLD: 20, NEW: 20}


def test_picture_that_one_of_two_backbones_was_tuned_on_is_not_compared_on(
    old: Iteration, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = train(old.project)
    seen = set(old.project.images.order_by("pk").values_list("original_sha256", flat=True)[:3])
    monkeypatch.setattr(backbones, "was_seen", lambda card, sha256: card.name == NEW and sha256 in seen)

    assert comparison.compare(new, old).pictures == 12 - 3


def test_command_publishes_only_what_is_better_than_it_on_pictures_added_since(
    old: Iteration,
) -> None:
    add_pictures(old.project)
    train(old.project)

    with pytest.raises(CommandError, match=r"Not published\. .* each judged by .* Iteration 2"):
        call_command("publish", project="Dishes", if_better=True)


def test_iterations_of_another_domain_are_compared(old: Iteration) -> None:
    publishing.publish(iteration=train(old.project), by=None)
    projects.change_project(old.project, domain="General [A1]")
    add_pictures(old.project)

    new = train(old.project)

    live = old.project.iterations.get(number=2)
    assert new.backbone != live.backbone
    assert comparison.compare(new, live).pictures > 0


def test_picture_that_was_lost_since_is_left_out_of_the_comparison(old: Iteration) -> None:
    add_pictures(old.project)
    embed_missing(old.project, progress=Progress())
    lost = old.project.images.latest("pk")
    storage.delete_blob(lost.picture.blob_key)

    new = train(old.project)

    assert Image.objects.get(pk=lost.pk).quarantine
    assert lost.picture.sha256 in snapshots.read(new.snapshot_key).measured_sha256s
    assert comparison.compare(new, old).pictures > 0


def test_training_goes_on_where_the_old_backbone_is_gone(old: Iteration) -> None:
    Iteration.objects.update(backbone="nobody-has-it")
    add_pictures(old.project)

    assert train(old.project).backbone == NEW


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
