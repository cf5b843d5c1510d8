"""A project of dishes, and a developer who is signed in."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from tests import factories
from training.models import Project, Tag
from training.services.projects import create_tags


@pytest.fixture
def project(db: None) -> Project:
    return factories.make_project(name="Dishes", domain=Project.Domain.FOOD)


@pytest.fixture
def tags(project: Project) -> list[Tag]:
    return create_tags(project=project, names=["pizza", "risotto"])[0]


@pytest.fixture
def developer(db: None) -> User:
    return factories.make_developer(language="en")


@pytest.fixture
def site(signed_in: Callable[[User], Client], developer: User) -> Client:
    return signed_in(developer)
