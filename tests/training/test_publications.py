"""What answers: one act, one transaction, one line in the log."""

import threading
from dataclasses import replace
from functools import partial

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from tests import factories
from tests.training.publishable import live, make_iteration, published
from training.exceptions import IsPublished, NotPublished, PublishNameRefused, Refused
from training.models import Iteration, Project, Publication
from training.services.learning import delete_iteration
from training.services.publishing import (
    BESIDE,
    KEEP_PREVIOUS,
    REPLACE,
    Policy,
    plan_publication,
    publish,
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
