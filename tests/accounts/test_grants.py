"""Grants: who may use a thing that is not open to everybody."""

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.db import IntegrityError

from accounts.models import Grant, User
from accounts.services import share
from tests import factories
from training.models import Project

pytestmark = pytest.mark.django_db


@pytest.fixture
def closed() -> Project:
    project = factories.make_project()
    share(project, is_open=False, users=[], groups=[])
    return project


def visible_to(user: User | AnonymousUser) -> list[Project]:
    return list(Project.objects.visible_to(user))


def test_what_is_open_is_for_everybody_who_signs_in(person: User) -> None:
    project = factories.make_project()

    assert visible_to(person) == [project]
    assert visible_to(AnonymousUser()) == []


def test_what_is_closed_is_for_those_who_are_named(closed: Project, person: User) -> None:
    cooks = Group.objects.create(name="Cooks")
    cook, other, reviewer = factories.make_user(), factories.make_user(), factories.make_reviewer()
    cook.groups.add(cooks)

    share(closed, is_open=False, users=[person], groups=[cooks])

    assert [visible_to(user) for user in (person, cook)] == [[closed]] * 2
    assert [visible_to(user) for user in (other, reviewer)] == [[]] * 2


def test_developers_and_administrators_may_use_everything(closed: Project) -> None:
    for user in (factories.make_developer(), factories.make_user(is_superuser=True)):
        assert visible_to(user) == [closed]


def test_somebody_who_is_named_twice_sees_it_once(closed: Project, person: User) -> None:
    groups = [Group.objects.create(name=name) for name in ("Cooks", "Bakers")]
    person.groups.set(groups)

    share(closed, is_open=True, users=[person], groups=groups)

    assert visible_to(person) == [closed]


def test_sharing_replaces_what_was_granted(closed: Project, person: User) -> None:
    other = factories.make_user()
    share(closed, is_open=False, users=[person], groups=[])
    kept = Grant.objects.get()

    share(closed, is_open=False, users=[person, other], groups=[])
    assert Grant.objects.first() == kept

    share(closed, is_open=False, users=[other], groups=[])
    assert visible_to(person) == []
    assert list(closed.granted_users) == [other]


def test_names_are_stored_while_it_is_open(closed: Project, person: User) -> None:
    share(closed, is_open=True, users=[person], groups=[])

    assert list(closed.granted_users) == [person]


def test_grant_is_of_one_thing(closed: Project, person: User) -> None:
    other = factories.make_project()
    share(other, is_open=False, users=[person], groups=[])

    assert visible_to(person) == [other]


@pytest.mark.parametrize("gone", ["user", "group", "project"])
def test_grants_go_with_what_they_name(closed: Project, person: User, gone: str) -> None:
    group = Group.objects.create(name="Cooks")
    other = factories.make_project()
    share(other, is_open=False, users=[factories.make_user()], groups=[])
    share(closed, is_open=False, users=[person], groups=[group])

    {"user": person, "group": group, "project": closed}[gone].delete()

    assert Grant.objects.count() == {"user": 2, "group": 2, "project": 1}[gone]


def test_grant_is_to_a_user_or_to_a_group(closed: Project, person: User) -> None:
    share(closed, is_open=False, users=[person], groups=[])

    with pytest.raises(IntegrityError, match="grant_is_to_a_user_or_to_a_group"):
        Grant.objects.update(group=Group.objects.create(name="Cooks"))


def test_nobody_is_named_twice(closed: Project, person: User) -> None:
    share(closed, is_open=False, users=[person], groups=[])
    grant = Grant.objects.get()
    grant.pk = None

    with pytest.raises(IntegrityError, match="grant_once_per_user"):
        grant.save(force_insert=True)
