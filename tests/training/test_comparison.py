"""Two iterations on the same pictures: what is gained, what falls, what is new, and whether that may be published."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from tests import factories
from tests.training.publishable import TAGS, learned, live, make_iteration, make_snapshot
from tests.training.test_publish_commands import answer
from training import comparison, snapshots
from training.backends.base import TrainingOptions
from training.exceptions import NotGoodEnough
from training.heads import write_head
from training.models import Iteration, Project
from training.outcome import Comparison
from training.services.learning import train_here
from training.services.publishing import publish, publish_if_no_worse

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("in_english")]
OF = 400


def said(first: Iteration, wrong: np.ndarray) -> Iteration:
    """Make an iteration that has the first one's pictures wrong where that is said; wrong: (n,)."""
    snapshot = snapshots.read(first.snapshot_key)
    truths = snapshot.truths ^ wrong[:, None]
    probabilities = np.where(truths, 0.9, 0.1).astype(np.float32)
    return make_iteration(first.project, snapshot_key=snapshots.write(replace(snapshot, probabilities=probabilities)))


@pytest.fixture
def first(project: Project) -> Iteration:
    """It has all but the last 20 of 100 pictures right, and is live."""
    made = learned(project, right=80, of=100)
    answer(made, right=80)
    publish(iteration=made, by=None)
    return made


def wrong(*rows: int, of: int = 100) -> np.ndarray:
    flags = np.zeros(of, dtype=np.bool_)
    flags[list(rows)] = True
    return flags


def make(gained: int, lost: int, pictures: int) -> Comparison:
    old, new = Iteration(name="Iteration 1"), Iteration(name="Iteration 2")
    ids = [str(number) for number in range(gained + lost)]
    gained_ones, lost_ones = tuple(ids[:gained]), tuple(ids[gained:])
    return Comparison(old, new, pictures, 0, 0, gained=gained_ones, lost=lost_ones, said=make_snapshot([]))


@pytest.mark.parametrize(
    ("gained", "lost", "pictures", "verdict", "is_no_worse"),
    [
        (30, 5, 400, "Better", True),
        (5, 4, 2000, "No measurable difference", True),
        (1, 0, 40, "No measurable difference", False),
        (0, 0, 100, "No measurable difference", False),
        (5, 30, 400, "Worse", False),
    ],
)
def test_what_may_be_lost_at_worst_decides(
    gained: int, lost: int, pictures: int, verdict: str, is_no_worse: bool
) -> None:
    told = make(gained, lost, pictures)

    assert told.verdict() == verdict
    assert told.is_no_worse == is_no_worse
    assert bool(told.objection()) != is_no_worse
    assert f"{verdict}." in told.sentence()


def test_tag_that_falls_is_named_and_kept_from_publication(first: Iteration) -> None:
    """As many gained as lost, but all of what is lost is of one tag."""
    newer = said(first, wrong(*range(80, 100, 2), *range(0, 24, 2)))  # gains the odd ones of the last, loses even ones

    told = comparison.compare(newer, first)

    assert [(fall.tag, fall.pictures, fall.lost) for fall in told.falls] == [("cannoli", 50, 12)]
    assert "cannoli falls: of its 50 images 12 lost, 0 gained." in told.sentence()
    with pytest.raises(NotGoodEnough, match=r"told worse.*cannoli falls"):
        publish_if_no_worse(iteration=newer, by=None)
    assert live(first.project) == first.number


def test_fall_among_few_pictures_is_not_taken_for_one(project: Project) -> None:
    first = learned(project, right=30, of=30)
    answer(first, right=30)

    told = comparison.compare(said(first, wrong(0, 2, 4, 6, 8, 10, 12, of=30)), first)

    assert (len(told.lost), told.falls) == (7, ())


def test_new_tags_are_neither_gain_nor_loss(first: Iteration) -> None:
    snapshot = snapshots.read(first.snapshot_key)
    truths = np.pad(snapshot.truths, ((0, 0), (0, 1)))
    truths[:10] = [False, False, True]  # the first ten are of the new tag by now
    newer = make_iteration(
        first.project,
        head_key=write_head(factories.make_head(*TAGS, "pizza")),
        snapshot_key=snapshots.write(
            replace(
                snapshot,
                tags=(*TAGS, "pizza"),
                tag_ids=(1, 2, 3),
                truths=truths,
                probabilities=np.where(truths, 0.9, 0.05).astype(np.float32),
            )
        ),
    )

    told = comparison.compare(newer, first)

    assert (told.pictures, told.old_right, told.new_right) == (90, 70, 90)
    assert (told.new_pictures, told.new_pictures_right) == (10, 10)
    assert "Of the new tags it has 10 images of 10 right." in told.sentence()


def test_dry_run_compares_and_publishes_nothing(first: Iteration) -> None:
    said(first, wrong())
    out = io.StringIO()

    call_command("publish", project="Dishes", if_better=True, dry_run=True, as_json=True, stdout=out)

    told = json.loads(out.getvalue())
    assert live(first.project) == first.number
    assert told["would"]["iteration"] == 2
    assert told["comparison"]["gained"] == 20
    assert told["comparison"]["gain"]["low"] > 0


def test_dry_run_says_what_would_be_refused(first: Iteration) -> None:
    said(first, wrong(*range(100)))

    with pytest.raises(CommandError, match=r"Not published\. .*Worse") as caught:
        call_command("publish", project="Dishes", if_better=True, dry_run=True)

    assert caught.value.returncode == 1


def test_log_says_why_it_may(first: Iteration) -> None:
    newer = said(first, wrong())

    plan, compared = publish_if_no_worse(iteration=newer, by=None, reason="More photos.")

    assert compared
    assert plan.replaced == first
    assert first.project.publications.latest("pk").reason == f"More photos. {compared.sentence()}"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("type", [Project.Type.MULTICLASS, Project.Type.MULTILABEL])
def test_few_held_out_pictures_are_made_up_for_by_folds(type: Project.Type) -> None:
    """Every picture is judged by a head that has not learned from it, in the old manner and in the new."""
    project = factories.make_project(name="Folds", type=type)
    tags = [project.tags.create(name=name) for name in TAGS]
    for number in range(24):
        factories.make_image(project=project, tags=[tags[number % 2]], seed=number, size=(32, 24))
    first = train_here(project=project, options=TrainingOptions(), by=None, watch=None)
    second = train_here(project=project, options=TrainingOptions(force=True), by=None, watch=None)

    told = comparison.compare(second, first)

    assert told.by_folds
    assert told.pictures == 24
    assert (told.gained, told.lost, told.falls) == ((), (), ())
    assert "each judged by a model that had not learned from it" in told.sentence()
