"""A button that cannot work says why beside it."""

import re
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from tests import factories
from tests.training.publishable import make_iteration
from training.models import Iteration, Project

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

DISABLED = re.compile(r'aria-disabled="true" aria-describedby="([\w-]+)">([^<]+)</button> <small id="\1"[^>]*>([^<]+)<')
NO_OTHER = "There is no other completed iteration to compare with."


@pytest.fixture
def site() -> Client:
    client = Client()
    client.force_login(factories.make_developer(language="en"))
    return client


@pytest.fixture
def project() -> Project:
    return factories.make_project(name="Dishes")


def disabled(site: Client, name: str, *args: object) -> dict[str, str]:
    page = site.get(reverse(f"training:{name}", args=args)).content.decode()
    return {label: reason for _id, label, reason in DISABLED.findall(page)}


def test_only_iteration_is_compared_with_nothing(site: Client, project: Project) -> None:
    make_iteration(project, head_key="heads/x")

    assert disabled(site, "iteration", project.pk, 1) == {"Compare": NO_OTHER}
    assert disabled(site, "iterations", project.pk) == {"Compare the two chosen": NO_OTHER}


def test_published_iteration_is_not_deleted(site: Client, project: Project) -> None:
    make_iteration(project, head_key="heads/x")
    iteration = make_iteration(project, head_key="heads/x")
    Iteration.objects.filter(pk=iteration.pk).update(publish_name="live")

    told = disabled(site, "iteration", project.pk, iteration.number)

    assert told == {"Delete…": "It is published: unpublish it before you delete it."}
    assert disabled(site, "iterations", project.pk) == {}


def test_what_was_not_trained_here_is_not_exported(site: Client, project: Project) -> None:
    make_iteration(project, head_key="", remote_id=uuid4())
    iteration = make_iteration(project, head_key="", remote_id=uuid4())

    told = disabled(site, "iteration", project.pk, iteration.number)

    assert told == {"Export (ONNX)": "Only what was trained here is exported."}
