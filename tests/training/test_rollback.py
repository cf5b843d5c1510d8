"""The way back to what answered before."""

import pytest

from tests.training.publishable import live, make_iteration, published
from training.exceptions import Refused
from training.models import Project
from training.services.learning import delete_iteration
from training.services.publishing import KEEP_PREVIOUS, publish, rollback, rollback_target, unpublish

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]


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
