"""Projects whose tags have examples that come with the backbone, as the starter's: trained, taught more, compared."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.utils import translation

from catalog.services import read_picture
from engine import backbones
from engine.metrics import Flags
from engine.shipped import examples_of
from engine.splitting import Part
from tests import factories
from tests.training.test_local_backend import draw
from training import comparison, examples, packages, snapshots
from training.backends.base import TrainingOptions
from training.exceptions import NothingChanged, TooLittleData
from training.models import Image, Iteration, Project, Tag
from training.services import learning, projects
from training.services.images import upload_images
from training.services.project_copies import copy_project
from training.services.publishing import publish
from training.services.starter import install_starter
from training.snapshots import Snapshot
from training.uploads import ImageUpload

pytestmark = pytest.mark.django_db(transaction=True)

SHIPPED = examples_of(backbones.for_domain("Food"))
DISHES = ("cannoli", "pizza", "risotto")
COUNTS = SHIPPED.learned_counts


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture
def project() -> Project:
    """One without an image, of three dishes of the starter."""
    made = factories.make_project(pk=1_000_000, name="Dishes", domain="Food")
    Tag.objects.bulk_create(Tag(project=made, name=name, shipped_label=name) for name in DISHES)
    return made


def add_tag(project: Project, name: str = "blue") -> Tag:
    return projects.create_tags(project=project, names=[name])[0][0]


def upload(tag: Tag, seeds: range, *, colour: str = "blue", source: Image.Source = Image.Source.UPLOAD) -> None:
    batch = [ImageUpload(f"{colour} {seed}", draw(colour, seed), (tag,), source=source) for seed in seeds]
    upload_images(project=tag.project, batch=batch, by=None)


def train(project: Project, **options: Any) -> Iteration:
    asked = TrainingOptions(**options)
    iteration = learning.train_here(project=project, options=asked, by=None, watch=None)
    assert iteration.status == "Completed", iteration.error
    return iteration


def snapshot(iteration: Iteration) -> Snapshot:
    return snapshots.read(iteration.snapshot_key)


def learned(iteration: Iteration) -> set[str]:
    own = snapshot(iteration)
    return set(np.array(own.sha256s)[own.learned].tolist())


def of(*labels: str) -> Flags:
    """Return (n,), which of all shipped examples have one of these labels."""
    return np.isin(SHIPPED.columns, [SHIPPED.labels.index(label) for label in labels])


# What is learned


def test_project_without_an_image_trains_on_what_is_shipped(project: Project) -> None:
    iteration = train(project)

    own = snapshot(iteration)
    rows = of(*DISHES)
    assert own.sha256s == tuple(np.array(SHIPPED.sha256s)[rows].tolist())
    np.testing.assert_array_equal(own.learned, ~SHIPPED.held_out[rows])
    np.testing.assert_array_equal(own.measured, SHIPPED.held_out[rows])
    assert iteration.metrics["shipped"] == rows.sum()
    assert iteration.metrics["is_optimistic"] is False
    assert iteration.metrics["top_1"] >= 0.8
    assert not project.images.exists()


def test_another_tag_is_learned_from_its_images(project: Project) -> None:
    upload(add_tag(project), range(20))

    iteration = train(project)

    assert snapshot(iteration).tags == ("blue", *DISHES)
    assert iteration.metrics["per_tag"]["blue"]["measured"] == 4
    assert iteration.metrics["per_tag"]["blue"]["average_precision"] == 1
    assert iteration.metrics["trained_on"] == 16 + sum(COUNTS[dish] for dish in DISHES)


def test_photo_that_was_judged_wrong_is_learned_from(project: Project) -> None:
    first = train(project)
    picture = factories.make_misprediction(picture=factories.make_picture(seed=5)).picture
    correction = ImageUpload(
        "photo.jpg", read_picture(picture), (project.tags.get(name="pizza"),), source=Image.Source.CORRECTION
    )
    upload_images(project=project, batch=[correction], by=None)

    second = train(project)

    assert learned(second) - learned(first) == {picture.sha256}
    assert second.head_key != first.head_key
    assert second.metrics["measured"] == first.metrics["measured"]


def test_only_tag_without_something_held_out_makes_the_figures_optimistic(project: Project) -> None:
    upload(add_tag(project), range(6), source=Image.Source.CORRECTION)

    iteration = train(project)

    assert iteration.metrics["is_cross_validated"] is True
    assert iteration.metrics["is_optimistic"] is True


def test_image_of_a_shipped_photograph_takes_its_place(project: Project) -> None:
    photograph = np.array(SHIPPED.sha256s)[of("pizza") & ~SHIPPED.held_out][0]
    image = factories.make_image(project=project, tags=[project.tags.get(name="risotto")], seed=7)
    Image.objects.filter(pk=image.pk).update(original_sha256=photograph)

    iteration = train(project)

    assert photograph not in snapshot(iteration).sha256s
    assert image.picture.sha256 in snapshot(iteration).sha256s


def test_shipped_example_gives_way_to_an_image_of_the_other_side(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A photo that was learned from before, and shows nearly what measures."""
    image = factories.make_image(project=project, tags=[project.tags.get(name="pizza")], part=Part.TRAINING, seed=7)
    measures = np.array(SHIPPED.sha256s)[of("pizza") & SHIPPED.held_out][0]
    alike = {image.picture.sha256, measures}
    with_vectors = examples.with_vectors

    def nearly_the_same(dataset: examples.Dataset) -> Any:
        dataset, vectors = with_vectors(dataset)
        rows = np.flatnonzero([sha256 in alike for sha256 in dataset.sha256s])
        vectors[rows[0]] = vectors[rows[1]]
        return dataset, vectors

    monkeypatch.setattr(examples, "with_vectors", nearly_the_same)
    iteration = train(project)

    assert measures not in snapshot(iteration).sha256s
    assert image.picture.sha256 in learned(iteration)
    assert iteration.metrics["left_out"] == 1


# Whose they are


def test_renamed_tag_keeps_its_examples(project: Project) -> None:
    projects.rename_tag(project.tags.get(name="pizza"), name="pizza margherita")

    assert train(project).metrics["per_tag"]["pizza margherita"]["measured"] == 8


def test_deleted_tag_takes_its_examples_along(project: Project) -> None:
    projects.delete_tag(project.tags.get(name="pizza"))
    upload(add_tag(project, "pizza"), range(10))

    own = snapshot(train(project))

    assert not set(np.array(SHIPPED.sha256s)[of("pizza")]) & set(own.sha256s)
    assert int(own.truths[:, own.tags.index("pizza")].sum()) == 10


def test_training_on_some_tags_takes_only_theirs(project: Project) -> None:
    own = snapshot(train(project, tags=("pizza", "risotto")))

    assert len(own.sha256s) == of("pizza", "risotto").sum()


def test_shipped_examples_count_among_the_five(project: Project) -> None:
    upload(add_tag(project), range(4))

    with pytest.raises(TooLittleData, match=r"too few have: blue \(4\)\.$"):
        examples.check(project)


def test_domain_of_another_backbone_goes_without_them(project: Project) -> None:
    projects.change_project(project, domain="General")
    for place, tag in enumerate(project.tags.all()):
        upload(tag, range(6 * place, 6 * place + 6))

    assert len(snapshot(train(project)).sha256s) == 18
    assert set(examples.shipped_counts(project).values()) == {0}


# When a training is worth it


def test_nothing_has_changed_after_a_training(project: Project) -> None:
    upload(add_tag(project), range(6))
    train(project)

    with pytest.raises(NothingChanged):
        train(project)


def test_another_file_of_examples_is_a_change(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    train(project)
    later = replace(SHIPPED, sha256="0" * 64)
    monkeypatch.setattr(examples, "examples_of", lambda card: later)

    assert learning.has_changed(project, list(project.tags.all()))


def test_file_of_examples_says_nothing_to_other_projects(monkeypatch: pytest.MonkeyPatch) -> None:
    project = factories.make_project(domain="Food")
    tag = add_tag(project)
    before = examples.fingerprint(project, [tag], seed=0)
    monkeypatch.setattr(examples, "examples_of", lambda card: replace(SHIPPED, sha256="0" * 64))

    assert examples.fingerprint(project, [tag], seed=0) == before


# What becomes of an iteration


def test_iterations_are_compared_on_what_is_held_out(project: Project) -> None:
    first = train(project)
    upload(add_tag(project), range(20))

    told = comparison.compare(train(project), first)

    assert told.by_folds  # with so few
    assert told.pictures == of(*DISHES).sum()
    assert told.new_pictures == 20
    assert not told.is_worse
    assert told.new_right > 0.9 * told.pictures


def test_taught_iteration_can_take_the_place_of_the_first(project: Project) -> None:
    publish(iteration=train(project), by=None, name="live")
    upload(add_tag(project), range(20))

    taught = train(project)
    publish(iteration=taught, by=None, name="live")

    assert Project.objects.get().live_iteration == taught
    assert packages.package(taught)[:2] == b"PK"


def test_copy_of_a_project_is_taught_alike(project: Project) -> None:
    original = train(project)
    copy = copy_project(project, name="A copy")

    assert not learning.has_changed(copy, list(copy.tags.all()))
    assert train(copy, force=True).head_key == original.head_key


# The starter itself, on photographs


@pytest.mark.slow
def test_starter_is_taught_a_102nd_tag_and_a_correction(food101: Path) -> None:
    """The dish is one that it is made to forget first: there is no photograph of another."""
    first = install_starter()[0]
    starter = first.project
    projects.delete_tag(starter.tags.get(name="tiramisu"))
    photographs = sorted((food101 / "images" / "Held-out" / "tiramisu").glob("*.jpg"))
    teach(add_tag(starter, "tiramisu maison"), photographs, source=Image.Source.UPLOAD)
    wrong = sorted((food101 / "images" / "Train" / "cannoli").glob("*.jpg"))[:1]
    teach(starter.tags.get(name="cannoli"), wrong, source=Image.Source.CORRECTION)

    second = train(starter)

    assert starter.images.get(source="correction").picture.sha256 in learned(second)
    assert len(snapshot(second).tags) == 101
    assert second.metrics["is_optimistic"] is False
    assert second.metrics["top_1"] >= 0.66
    assert second.metrics["per_tag"]["tiramisu maison"]["measured"] == 3
    assert second.metrics["per_tag"]["tiramisu maison"]["average_precision"] >= 0.5
    told = comparison.compare(second, first)
    assert (told.pictures, told.by_folds, told.is_worse) == (800, False, False)


def teach(tag: Tag, paths: Sequence[Path], *, source: Image.Source) -> None:
    batch = [ImageUpload(path.name, path.read_bytes(), (tag,), source=source) for path in paths]
    upload_images(project=tag.project, batch=batch, by=None)
