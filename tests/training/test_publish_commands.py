"""Published by command, taken back by command, and with `--if-better` only what is better on the same pictures."""

import json
from dataclasses import replace

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from catalog.services import store_vector
from engine import heads
from tests import factories
from tests.training.publishable import TAGS, learned, live, make_iteration, published
from training import comparison, snapshots
from training.heads import write_head
from training.models import Iteration, Project
from training.services.publishing import KEEP_PREVIOUS, publish

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]


# Better?


def answer(iteration: Iteration, *, right: int) -> None:
    """Give the pictures vectors and the iteration a head, so that it has so many right."""
    snapshot = snapshots.read(iteration.snapshot_key)
    vectors = np.zeros((len(snapshot.sha256s), 1280), dtype=np.float32)
    for row, truth in enumerate(snapshot.truths.argmax(axis=1)):
        vectors[row, truth if row < right else 1 - truth] = 1.0
    pictures = {image.picture.sha256: image.picture for image in iteration.project.images.select_related("picture")}
    for sha256, vector in zip(snapshot.sha256s, vectors, strict=True):
        store_vector(picture=pictures[sha256], backbone=iteration.backbone, value=vector)
    head = heads.loads(factories.make_head(*TAGS))
    weights = np.zeros_like(head.weights)
    weights[0, 0] = weights[1, 1] = 10.0
    iteration.head_key = write_head(heads.dumps(replace(head, weights=weights, bias=0 * head.bias)))
    iteration.save()


@pytest.mark.parametrize(("old", "new", "is_better"), [(20, 38, True), (30, 32, False), (38, 20, False)])
def test_better_means_more_than_chance_on_the_same_pictures(
    project: Project, old: int, new: int, is_better: bool
) -> None:
    first = learned(project, right=old)
    answer(first, right=old)
    second = learned(project, right=new, same_pictures_as=first)

    told = comparison.compare(second, first)

    assert (told.old_right, told.new_right, told.is_better) == (old, new, is_better)
    assert len(told.gained) - len(told.lost) == new - old


def test_renamed_tag_is_still_the_same(project: Project) -> None:
    first = learned(project, right=30)
    answer(first, right=30)
    second = learned(project, right=30, same_pictures_as=first)
    renamed = replace(snapshots.read(second.snapshot_key), tags=("cannolo", "risotto"))
    second.snapshot_key = snapshots.write(renamed)
    second.save()

    told = comparison.compare(second, first)

    assert (told.old_right, told.new_right) == (30, 30)


# By command


@pytest.mark.proven
def test_command_publishes_what_is_better_and_logs_why(project: Project) -> None:
    first = learned(project, right=20)
    answer(first, right=20)
    publish(iteration=first, by=None)
    learned(project, right=38, same_pictures_as=first)

    call_command("publish", project="Dishes", if_better=True)

    assert live(project) == 2
    assert "18 gained" in project.publications.latest("pk").reason


def test_command_does_not_publish_what_is_no_better(project: Project) -> None:
    first = learned(project, right=30)
    answer(first, right=30)
    publish(iteration=first, by=None)
    learned(project, right=31, same_pictures_as=first)

    with pytest.raises(CommandError, match=r"Not published.*p\s=\s") as raised:
        call_command("publish", project="Dishes", if_better=True)

    assert (raised.value.returncode, live(project)) == (1, 1)


def test_commands_publish_roll_back_and_unpublish(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        make_iteration(project)
        call_command("publish", project="Dishes")
    call_command("rollback", project="Dishes")
    assert live(project) == 1

    call_command("unpublish", project="Dishes")

    assert (live(project), published(project)) == (None, {})
    assert "Iteration 1 no longer answers as live." in capsys.readouterr().out


@pytest.mark.parametrize("command", ["publish", "unpublish", "rollback"])
def test_dry_run_changes_nothing(project: Project, command: str) -> None:
    publish(iteration=make_iteration(project), by=None)
    make_iteration(project)

    call_command(command, project="Dishes", dry_run=True)

    assert (live(project), project.publications.count()) == (1, 1)


def as_it_would_be(lines: list[str]) -> list[str]:
    """Return what `--dry-run` says where the publication says these lines."""
    return [
        line.replace("no longer answers", "would no longer answer").replace(" answers", " would answer")
        for line in lines
    ]


def test_dry_run_says_what_the_publication_would_change(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    publish(iteration=make_iteration(project), by=None, name="trial")
    publish(iteration=make_iteration(project), by=None, name="live", policy=KEEP_PREVIOUS)
    make_iteration(project)

    call_command("publish", project="Dishes", name="trial", dry_run=True)
    call_command("publish", project="Dishes", name="trial")

    lines = capsys.readouterr().out.splitlines()
    would, did = lines[:3], lines[3:]
    assert did == [
        "Iteration 3 answers as trial, in place of Iteration 2.",
        "Iteration 1 no longer answers as trial.",
        "Iteration 2 no longer answers as live.",
    ]
    assert would == as_it_would_be(did)


def test_programs_are_told_the_same_of_what_would_be_and_of_what_was_changed(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(iteration=make_iteration(project), by=None, name="trial")
    publish(iteration=make_iteration(project), by=None, name="live", policy=KEEP_PREVIOUS)
    make_iteration(project)

    for dry_run in (True, False):
        call_command("publish", project="Dishes", name="trial", dry_run=dry_run, as_json=True)

    would, did = map(json.loads, capsys.readouterr().out.splitlines())
    assert would == {"would": did}
    assert did == {
        "iteration": 3,
        "publish_name": "trial",
        "former_name": "",
        "replaced": "Iteration 2",
        "unpublished": ["Iteration 1", "Iteration 2"],
    }


def test_iteration_that_gets_another_name_no_longer_answers_as_before(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(iteration=make_iteration(project), by=None)

    for options in ({"dry_run": True}, {"dry_run": True, "as_json": True}, {}):
        call_command("publish", project="Dishes", name="prod", **options)

    lines = capsys.readouterr().out.splitlines()
    assert lines[3:] == [
        "Iteration 1 answers as prod, in place of nothing.",
        "Iteration 1 no longer answers as live.",
    ]
    assert lines[:2] == as_it_would_be(lines[3:])
    assert json.loads(lines[2])["would"] == {
        "iteration": 1,
        "publish_name": "prod",
        "former_name": "live",
        "replaced": "",
        "unpublished": [],
    }
    assert published(project) == {1: "prod"}


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({}, "Iteration 1 is live already, as live."),
        ({"name": "n" * 101}, "A publish name has at most 100 characters."),
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
def test_dry_run_is_refused_as_the_publication_is(
    project: Project, asked: dict[str, str], sentence: str, dry_run: bool
) -> None:
    publish(iteration=make_iteration(project), by=None)

    with pytest.raises(CommandError) as raised:
        call_command("publish", project="Dishes", dry_run=dry_run, **asked)

    assert (str(raised.value), raised.value.returncode) == (sentence, 2)


def test_iteration_that_does_not_exist_ends_with_exit_code_2(project: Project) -> None:
    with pytest.raises(CommandError, match="no iteration 7") as raised:
        call_command("publish", project="Dishes", iteration=7)

    assert raised.value.returncode == 2
