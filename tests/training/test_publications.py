"""What answers: one act, one transaction, one line in the log, and a way back."""

import re
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import override

from engine import heads, images, packages
from engine.backbones import Backbone
from engine.packages import Golden
from tests import factories
from tests.training.publishable import learned, live, make_iteration, published
from training.exceptions import IsPublished, NotPublished, PublishNameRefused, Refused
from training.models import Iteration, Project, Publication
from training.packages import package
from training.services.learning import delete_iteration
from training.services.publishing import (
    BESIDE,
    KEEP_PREVIOUS,
    REPLACE,
    Policy,
    plan_publication,
    publish,
    rollback,
    rollback_target,
    successor,
    unpublish,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]


@pytest.mark.proven
def test_first_publication_is_live() -> None:
    project = factories.make_project(domain="Food")
    publish(iteration=make_iteration(project), by=factories.make_developer(username="dev"), reason="First")

    line = project.publications.get()
    assert (live(project), published(project)) == (1, {1: "live"})
    assert (line.username, line.reason, line.replaced) == ("dev", "First", None)


def test_next_publication_takes_the_name_over(project: Project) -> None:
    publish(iteration=make_iteration(project), by=None, name="dishes")

    publish(iteration=make_iteration(project), by=None)

    assert (live(project), published(project)) == (2, {2: "dishes"})
    assert project.publications.latest("pk").replaced_name == "Iteration 1"


def test_previous_one_is_kept_when_asked(project: Project) -> None:
    publish(iteration=make_iteration(project), by=None, name="old")

    publish(iteration=make_iteration(project), by=None, name="new", policy=KEEP_PREVIOUS)

    assert published(project) == {1: "old", 2: "new"}


def test_previous_one_cannot_be_kept_under_the_same_name(project: Project) -> None:
    publish(iteration=make_iteration(project), by=None, name="dishes")

    with pytest.raises(Refused, match="dishes"):
        publish(iteration=make_iteration(project), by=None, name="dishes", policy=KEEP_PREVIOUS)


def test_what_is_published_beside_leaves_the_others_their_names(project: Project) -> None:
    publish(iteration=make_iteration(project), by=None, name="old")

    publish(iteration=make_iteration(project), by=None, name="new", policy=BESIDE, api_settings={"for": "tests"})

    assert (live(project), published(project)) == (2, {1: "old", 2: "new"})
    assert project.publications.latest("pk").replaced_name == "Iteration 1"
    assert project.iterations.get(number=2).api_settings == {"for": "tests"}


def test_name_is_taken_over_only_to_overwrite(project: Project) -> None:
    publish(iteration=make_iteration(project), by=None, name="prod")
    second = make_iteration(project)

    with pytest.raises(PublishNameRefused, match="Iteration 1 answers as prod"):
        publish(iteration=second, by=None, name="prod", policy=BESIDE)
    publish(iteration=second, by=None, name="prod", policy=replace(BESIDE, overwrite=True))

    assert published(project) == {2: "prod"}


def test_what_somebody_published_meanwhile_is_not_published_beside(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    iteration = make_iteration(project)
    monkeypatch.setattr(
        "training.backends.local.LocalTrainer.check_fit_to_answer",
        lambda trainer, found: Iteration.objects.filter(pk=found.pk).update(publish_name="faster"),
    )

    with pytest.raises(IsPublished, match="faster"):
        publish(iteration=iteration, by=None, name="slower", policy=BESIDE)

    assert published(project) == {1: "faster"}


OVERWRITE = replace(BESIDE, overwrite=True)


@pytest.mark.parametrize(
    ("policy", "name", "unpublished"),
    [
        (REPLACE, "", [2]),
        (REPLACE, " new ", [2]),
        (REPLACE, "trial", [1, 2]),
        (KEEP_PREVIOUS, "new", []),
        (KEEP_PREVIOUS, "trial", [1]),
        (BESIDE, "new", []),
        (OVERWRITE, "trial", [1]),
        (OVERWRITE, "live", [2]),
    ],
)
def test_publication_changes_what_its_plan_says(
    project: Project, policy: Policy, name: str, unpublished: list[int]
) -> None:
    for earlier in ("trial", "live"):
        publish(iteration=make_iteration(project), by=None, name=earlier, policy=BESIDE)
    new = make_iteration(project)
    before = published(project)

    plan = plan_publication(iteration=new, name=name, policy=policy)
    assert (published(project), live(project)) == (before, 2)
    done = publish(iteration=new, by=None, name=name, policy=policy)

    line = project.publications.latest("pk")
    assert done == plan
    assert [each.number for each in plan.unpublished] == unpublished
    assert (live(project), line.publish_name, line.replaced) == (3, plan.name, plan.replaced)
    stayed = {number: each for number, each in before.items() if number not in unpublished}
    assert published(project) == {**stayed, 3: plan.name}


@pytest.mark.parametrize(
    ("number", "policy", "name"),
    [
        (3, REPLACE, "x"),
        (2, REPLACE, "live"),
        (4, REPLACE, "n" * 101),
        (4, REPLACE, "bell\a"),
        (4, KEEP_PREVIOUS, "live"),
        (4, BESIDE, "trial"),
        (1, BESIDE, "new"),
        (1, OVERWRITE, "live"),
    ],
)
def test_plan_is_refused_as_the_publication_is(project: Project, number: int, policy: Policy, name: str) -> None:
    for earlier in ("trial", "live"):
        publish(iteration=make_iteration(project), by=None, name=earlier, policy=BESIDE)
    make_iteration(project, status="Failed", error="Why")
    make_iteration(project)
    iteration = project.iterations.get(number=number)
    before = published(project)
    refusals = []

    for act in (plan_publication, partial(publish, by=None)):
        with pytest.raises(Refused) as raised:
            act(iteration=iteration, name=name, policy=policy)
        refusals.append((raised.type, str(raised.value)))

    assert refusals[0] == refusals[1]
    assert (published(project), live(project)) == (before, 2)


def test_unpublished_live_one_leaves_its_place_to_what_was_published_last(project: Project) -> None:
    iterations = [make_iteration(project) for _ in range(3)]
    for number in (1, 0, 2):
        publish(iteration=iterations[number], by=None, name=str(number), policy=BESIDE)
    assert successor(iterations[2]) == iterations[0]

    unpublish(iteration=iterations[2], by=None)

    assert live(project) == 1
    line = project.publications.first()
    assert line is not None
    assert (line.act, line.iteration, line.replaced) == ("publish", iterations[0], iterations[2])
    assert line.reason == "Iteration 3 is no longer published."


def test_one_that_is_not_live_leaves_the_live_one_alone(project: Project) -> None:
    iterations = [make_iteration(project) for _ in range(2)]
    for number, iteration in enumerate(iterations):
        publish(iteration=iteration, by=None, name=str(number), policy=BESIDE)

    unpublish(iteration=iterations[0], by=None)

    assert (live(project), project.publications.count()) == (2, 3)


def test_what_somebody_unpublished_meanwhile_is_in_the_log_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    iteration = make_iteration(project)
    publish(iteration=iteration, by=None)
    monkeypatch.setattr(
        "training.services.publishing.get_mirror",
        lambda project: project.iterations.update(publish_name="") and None,
    )

    with pytest.raises(NotPublished):
        unpublish(iteration=iteration, by=None)

    assert project.publications.count() == 1


def test_only_what_was_published_is_unpublished(project: Project) -> None:
    """Between the live iteration and the new one lie others, which were never published: they are left alone."""
    publish(iteration=make_iteration(project), by=None)
    make_iteration(project)

    publish(iteration=make_iteration(project), by=None)

    assert published(project) == {3: "live"}
    assert project.publications.count() == 2


@pytest.mark.parametrize("status", ["New", "Training", "Failed"])
def test_what_is_not_completed_is_not_published(project: Project, status: str) -> None:
    iteration = make_iteration(project, status=status, error="Why" if status == "Failed" else "")

    with pytest.raises(Refused, match=status):
        publish(iteration=iteration, by=None)


def test_live_one_is_not_published_again(project: Project) -> None:
    iteration = make_iteration(project)
    publish(iteration=iteration, by=None)

    with pytest.raises(Refused, match="already"):
        publish(iteration=iteration, by=None)


def test_unpublished_project_answers_no_more(project: Project) -> None:
    iteration = make_iteration(project)
    publish(iteration=iteration, by=None)

    unpublish(iteration=iteration, by=None)

    assert (live(project), published(project)) == (None, {})


def test_what_does_not_answer_cannot_be_unpublished(project: Project) -> None:
    with pytest.raises(Refused):
        unpublish(iteration=make_iteration(project), by=None)


def test_rollback_brings_back_what_was_replaced(project: Project) -> None:
    for _ in range(3):
        publish(iteration=make_iteration(project), by=None)

    rollback(project=project, by=None)
    assert live(project) == 2
    rollback(project=project, by=None)

    assert live(project) == 1
    assert rollback_target(project) is None


def test_rollback_after_unpublishing_brings_the_last_back(project: Project) -> None:
    iteration = make_iteration(project)
    publish(iteration=iteration, by=None)
    unpublish(iteration=iteration, by=None)

    rollback(project=project, by=None)

    assert live(project) == 1


def test_nothing_to_go_back_to_is_refused(project: Project) -> None:
    with pytest.raises(Refused):
        rollback(project=project, by=None)


@pytest.mark.django_db(transaction=True)
def test_two_publications_at_once_leave_one_live_and_both_in_the_log() -> None:
    project = factories.make_project(domain="Food")
    iterations = [make_iteration(project) for _ in range(4)]
    barrier = threading.Barrier(len(iterations))

    def run(iteration: Iteration) -> None:
        barrier.wait()
        publish(iteration=iteration, by=None)
        connection.close()

    threads = [threading.Thread(target=run, args=[each]) for each in iterations]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert published(project) == {live(project): "live"}
    log = list(project.publications.order_by("pk"))
    assert [line.replaced_name for line in log] == ["", *(line.iteration_name for line in log[:-1])]


def test_database_never_lets_two_iterations_share_a_name(project: Project) -> None:
    make_iteration(project, publish_name="live")

    with pytest.raises(IntegrityError, match="share"), transaction.atomic():
        make_iteration(project, publish_name="live")


def test_log_is_never_changed(project: Project) -> None:
    publish(iteration=make_iteration(project), by=None)

    with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
        Publication.objects.update(reason="Another")


def test_log_outlives_its_iterations_and_people(project: Project) -> None:
    developer = factories.make_developer(username="dev")
    first = make_iteration(project)
    publish(iteration=first, by=developer)
    publish(iteration=make_iteration(project), by=None)

    delete_iteration(first)
    developer.delete()

    line = project.publications.earliest("pk")
    assert (line.iteration, line.iteration_name, line.username) == (None, "Iteration 1", "dev")


def test_completed_iteration_needs_a_head(project: Project) -> None:
    with pytest.raises(IntegrityError, match="has_a_head"), transaction.atomic():
        Iteration.objects.create(project=project, number=9, status="Completed", trained_at=timezone.now())


def test_same_iteration_under_another_name_is_no_step_back(project: Project) -> None:
    for _ in range(2):
        publish(iteration=make_iteration(project), by=None)
    second = project.iterations.get(number=2)
    publish(iteration=second, by=None, name="prod")

    plan = rollback(project=project, by=None)

    assert (live(project), plan.name) == (1, "live")


def test_what_came_back_keeps_the_name_that_programs_know(project: Project) -> None:
    publish(iteration=make_iteration(project), by=None, name="prod")
    publish(iteration=make_iteration(project), by=None, name="beta", policy=KEEP_PREVIOUS)

    rollback(project=project, by=None)

    assert published(project) == {1: "prod"}


def test_unpublished_one_comes_back_under_its_name(project: Project) -> None:
    iteration = make_iteration(project)
    publish(iteration=iteration, by=None, name="prod")
    unpublish(iteration=iteration, by=None)

    rollback(project=project, by=None)

    assert published(project) == {1: "prod"}


def test_going_back_ends_at_the_first(project: Project) -> None:
    iterations = [make_iteration(project) for _ in range(2)]
    for number in (0, 1, 0):
        publish(iteration=iterations[number], by=None)

    rollback(project=project, by=None)
    assert live(project) == 2
    rollback(project=project, by=None)

    assert live(project) == 1
    assert rollback_target(project) is None


def test_deleted_iteration_is_passed_over(project: Project) -> None:
    iterations = [make_iteration(project) for _ in range(3)]
    for iteration in iterations:
        publish(iteration=iteration, by=None)
    delete_iteration(iterations[1])

    rollback(project=project, by=None)

    assert live(project) == 1


# The parity gate


@pytest.fixture
def exports_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    to_onnx = packages.to_onnx

    def to_another(head: heads.Head, backbone: Backbone) -> bytes:
        return to_onnx(replace(head, bias=head.bias + np.array([5, 0], dtype=np.float32)), backbone)

    monkeypatch.setattr(packages, "to_onnx", to_another)


@pytest.mark.proven
@pytest.mark.usefixtures("exports_differ")
def test_iteration_whose_package_answers_otherwise_is_not_published(project: Project) -> None:
    with pytest.raises(Refused, match="not the same"):
        publish(iteration=make_iteration(project), by=None)

    assert (live(project), project.publications.count()) == (None, 0)


@pytest.mark.proven
@pytest.mark.usefixtures("exports_differ")
def test_the_refusal_names_the_file_and_says_by_how_much_in_the_readers_language(project: Project) -> None:
    with override("fr"), pytest.raises(Refused) as raised:
        publish(iteration=learned(project, right=30), by=None)

    assert re.search(r"photo\.jpg.* \d,\d{5} .* \d,\d{5}", str(raised.value))


@pytest.fixture
def proofs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures each proof was on, as they are made."""
    made: list[int] = []
    check = packages.check

    def noted(model: bytes, pictures: list[Golden], *, tags: tuple[str, ...]) -> None:
        made.append(len(pictures))
        check(model, pictures, tags=tags)

    monkeypatch.setattr(packages, "check", noted)
    return made


@pytest.mark.proven
def test_what_was_proven_is_not_proven_again(project: Project, proofs: list[int]) -> None:
    iteration = make_iteration(project)
    package(iteration)

    publish(iteration=iteration, by=None)
    publish(iteration=Iteration.objects.get(pk=iteration.pk), by=None, name="another")
    package(iteration)

    assert len(proofs) == 1


@pytest.mark.proven
def test_another_library_asks_for_another_proof(
    project: Project, proofs: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    iteration = make_iteration(project)
    publish(iteration=iteration, by=None)

    monkeypatch.setattr(packages, "versions", lambda: "onnxruntime 99")
    publish(iteration=iteration, by=None, name="another")

    assert len(proofs) == 2


@pytest.mark.proven
def test_to_a_program_what_was_proven_is_as_it_was(project: Project, proofs: list[int]) -> None:
    iteration = make_iteration(project)
    before = Iteration.objects.get(pk=iteration.pk).modified_at

    package(iteration)

    found = Iteration.objects.get(pk=iteration.pk)
    assert (found.modified_at, bool(found.proof), len(proofs)) == (before, True, 1)


@pytest.mark.proven
def test_lost_picture_does_not_stand_in_the_way(project: Project, blobs: Path) -> None:
    iteration = learned(project, right=30, of=10)
    for path in list((blobs / "pictures").rglob("*")):
        if path.is_file():
            path.unlink()

    publish(iteration=iteration, by=None)

    assert live(project) == 1


@pytest.mark.proven
def test_damaged_picture_is_passed_over(project: Project, blobs: Path, proofs: list[int]) -> None:
    iteration = learned(project, right=4, of=4)
    one, *_others = [path for path in (blobs / "pictures").rglob("*") if path.is_file()]
    one.write_bytes(one.read_bytes()[:-100])

    package(iteration)

    assert proofs == [3]


@pytest.mark.proven
def test_each_golden_picture_is_decoded_once(
    project: Project, proofs: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    iteration = learned(project, right=30, of=10)
    decode = Mock(side_effect=images.decode)
    monkeypatch.setattr(images, "decode", decode)

    package(iteration)

    assert [decode.call_count] == proofs
