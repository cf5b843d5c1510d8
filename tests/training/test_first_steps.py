"""What a developer is told to do first."""

import pytest
from django.test import Client
from django.urls import reverse

from tests import factories
from tests.training.publishable import make_iteration
from training.services.first_steps import FirstSteps, first_steps
from training.services.projects import archive_project
from training.services.publishing import publish
from training.services.starter import install_starter

pytestmark = pytest.mark.django_db


def test_steps_are_ticked_until_a_model_of_ones_own_answers() -> None:
    install_starter()
    assert first_steps() == FirstSteps(None, has_images=False, iteration=None)

    project = factories.make_project(name="Dishes")
    assert first_steps() == FirstSteps(project, has_images=False, iteration=None)

    factories.make_image(project=project)
    assert first_steps() == FirstSteps(project, has_images=True, iteration=None)

    iteration = make_iteration(project)
    assert first_steps() == FirstSteps(project, has_images=True, iteration=iteration)

    publish(iteration=iteration, name="live", by=None)
    assert first_steps() is None


def test_project_with_images_counts_before_a_newer_empty_one() -> None:
    filled = factories.make_project(name="Dishes")
    factories.make_image(project=filled)
    factories.make_project(name="Later")

    steps = first_steps()

    assert steps
    assert steps.project == filled


def test_archived_project_does_not_count() -> None:
    project = factories.make_project(name="Dishes")
    publish(iteration=make_iteration(project), name="live", by=None)
    assert first_steps() is None

    archive_project(project)

    assert first_steps() == FirstSteps(None, has_images=False, iteration=None)


@pytest.mark.parametrize("role", ["developer", "client"])
def test_steps_are_a_developers(role: str) -> None:
    user = factories.make_developer() if role == "developer" else factories.make_user()
    browser = Client()
    browser.force_login(user)

    page = browser.get(reverse("classifier:home")).content.decode()

    assert ('aria-current="step"' in page) == (role == "developer")
