"""Few pictures are held out: each is judged by heads that have not learned from it, nor from a near-duplicate."""

import io
import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from numpy.typing import NDArray

from catalog.services import store_vector
from tests import factories
from tests.training.publishable import TAGS, live, make_iteration, make_snapshot
from training import comparison, snapshots
from training.heads import write_head
from training.models import Image, Iteration, Project
from training.services.publishing import publish

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]


class Shot(NamedTuple):
    """A picture that is to be made."""

    tag: int
    looks: int
    """As pictures of that tag do, mostly."""
    place: int
    """Where it was taken, mostly: two of one place are near-duplicates."""


def plain(count: int) -> list[Shot]:
    return [Shot(number % 2, number % 2, number) for number in range(count)]


def vector(shot: Shot) -> NDArray[np.float32]:
    value = np.zeros(1280, dtype=np.float32)
    value[shot.looks], value[10 + shot.place] = 0.6, 0.8
    return value


def take(project: Project, shots: Sequence[Shot], **fields: str) -> dict[str, int]:
    """Add pictures with their vectors; return their tags by sha256."""
    images = [factories.make_image(project=project, size=(32, 24), **fields) for _ in shots]
    for image, shot in zip(images, shots, strict=True):
        store_vector(picture=image.picture, backbone="efficientnet-lite0-food-int8", value=vector(shot))
    return {image.picture.sha256: shot.tag for image, shot in zip(images, shots, strict=True)}


def train(project: Project, taken: dict[str, int], *, tags: Sequence[str] = TAGS, held_out: int = 0) -> Iteration:
    """Make an iteration that has learned from these pictures, but for the last so many."""
    sha256s = sorted(taken)
    learned = np.array([sha256 not in list(taken)[len(taken) - held_out :] for sha256 in sha256s])
    snapshot = make_snapshot(
        sha256s,
        tags=tuple(tags),
        tag_ids=tuple(range(1, len(tags) + 1)),
        truths=np.eye(len(tags), dtype=np.bool_)[[taken[sha256] for sha256 in sha256s]],
        learned=learned,
        measured=~learned,
        probabilities=np.zeros((held_out, len(tags)), dtype=np.float32),
    )
    head = write_head(factories.make_head(*tags))
    return make_iteration(project, head_key=head, labels=[], snapshot_key=snapshots.write(snapshot))


def test_picture_is_unknown_to_a_head_that_has_learned_from_its_near_duplicate(project: Project) -> None:
    """What looks like the other tag is told right by whoever knows the picture that was taken beside it."""
    twins = [Shot(1, 0, 100), Shot(1, 0, 100)]
    before = take(project, [*plain(20), twins[0]])
    since = take(project, twins[1:])
    first, second = train(project, before), train(project, before | since)

    told = comparison.compare(second, first)

    assert (told.by_folds, told.pictures) == (True, 22)
    assert (told.old_right, told.new_right) == (20, 20)


def test_corrections_are_learned_from_and_not_compared_on(project: Project) -> None:
    before = take(project, plain(20))
    corrections = take(project, [Shot(1, 0, 50), Shot(1, 0, 51)], source=Image.Source.CORRECTION)

    told = comparison.compare(train(project, before | corrections), train(project, before))

    assert told.pictures == 20


def test_tag_whose_pictures_are_all_the_same_is_neither_gained_nor_lost(project: Project) -> None:
    taken = take(project, [*plain(20), Shot(2, 2, 200), Shot(2, 2, 200)])
    tags = (*TAGS, "soup")

    told = comparison.compare(train(project, taken, tags=tags), train(project, taken, tags=tags))

    assert (told.pictures, told.new_right, told.gained, told.lost) == (22, 20, (), ())


def test_held_out_pictures_have_to_do_where_too_little_is_left_to_fit(project: Project) -> None:
    taken = take(project, plain(4))

    told = comparison.compare(train(project, taken, held_out=3), train(project, taken, held_out=3))

    assert (told.by_folds, told.pictures) == (False, 3)


def test_pictures_that_are_gained_are_shown_with_what_the_new_one_says(project: Project) -> None:
    """The old one has learned that what looks like the one tag is the other."""
    taken = take(project, plain(20))
    mistaken = {sha256: 1 - tag for sha256, tag in taken.items()}

    told = comparison.compare(train(project, taken), train(project, mistaken))

    assert len(told.gained) == 20
    assert set(told.gained) <= set(told.said.measured_sha256s)
    assert told.said.probabilities.shape == (20, 2)


def test_removed_tags_are_named(project: Project) -> None:
    taken = take(project, [*plain(20), *(Shot(2, 2, 40 + number) for number in range(10))])
    first = train(project, taken, tags=(*TAGS, "soup"))
    second = train(project, {sha256: tag for sha256, tag in taken.items() if tag < 2})

    told = comparison.compare(second, first)

    assert (told.pictures, told.removed) == (20, ("soup",))
    assert "It no longer knows: soup." in told.sentence()


def test_refusal_has_its_figures_in_json_too(project: Project) -> None:
    taken = take(project, plain(20))
    publish(iteration=train(project, taken), by=None)
    train(project, taken)
    out = io.StringIO()

    with pytest.raises(CommandError) as caught:
        call_command("publish", project="Dishes", if_better=True, as_json=True, stdout=out)

    told = json.loads(out.getvalue())
    assert (caught.value.returncode, live(project)) == (1, 1)
    assert (told["comparison"]["pictures"], told["comparison"]["by_folds"]) == (20, True)
    assert "It may be worse by up to" in told["refused"]
