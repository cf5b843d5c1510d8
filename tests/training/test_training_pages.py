"""A training is started from a project's page, and followed there."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from jobs.models import Job
from tests import factories
from tests.training.project_pages import make_image, make_trainable, said, url
from training.models import Image, Iteration, Project
from training.services.starter import add_iteration


def test_training_is_queued(site: Client, project: Project, developer: User) -> None:
    make_trainable(project)

    site.post(url("train", project.pk))

    iteration = project.iterations.get()
    assert (iteration.status, iteration.created_by) == (Iteration.Status.NEW, developer)
    assert Job.objects.get(kind="train").state == "queued"


def test_what_is_missing_for_training_is_said(site: Client, project: Project) -> None:
    answer = site.post(url("train", project.pk), follow=True)

    assert said(answer)
    assert not project.iterations.exists()


def test_training_for_nothing_is_offered_and_can_be_forced(
    site: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_trainable(project)
    monkeypatch.setattr("training.services.learning.has_changed", lambda *args, **options: False)

    answer = site.post(url("train", project.pk), follow=True)
    assert 'name="force"' in answer.content.decode()
    assert not project.iterations.exists()

    site.post(url("train", project.pk), {"force": "1"})
    assert project.iterations.exists()


def test_second_training_at_once_is_refused(site: Client, project: Project) -> None:
    make_trainable(project)
    site.post(url("train", project.pk))

    answer = site.post(url("train", project.pk), follow=True)

    assert "in training already" in said(answer)


def test_training_is_polled_while_it_lasts(site: Client, project: Project) -> None:
    make_trainable(project)
    site.post(url("train", project.pk))
    fragment, htmx = url("training", project.pk), {"HX-Request": "true"}
    assert "every 2s" in site.get(fragment, headers=htmx).content.decode()

    site.post(reverse("jobs:cancel", args=[Job.objects.get(kind="train").pk]))

    page = site.get(fragment, headers=htmx).content.decode()
    assert "every 2s" not in page
    assert "The training was cancelled." in page or "annul" in page


def test_fragment_alone_leads_to_the_page(site: Client, project: Project) -> None:
    assert site.get(url("training", project.pk)).headers["Location"] == url("project", project.pk) + "#training"


def test_new_images_are_those_since_the_last_training(site: Client, project: Project) -> None:
    make_image(project)
    add_iteration(project=project, head=factories.make_head(), metrics={"precision": 0.9, "recall": None})
    Image.objects.update(created_at=timezone.now() - timedelta(days=1))
    make_image(project)

    answer = site.get(url("project", project.pk))

    assert answer.context["facts"]["new"] == 1
    assert "1 new image since the last training" in answer.content.decode()
    assert "90.0%" in answer.content.decode()
