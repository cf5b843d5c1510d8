"""Who may use a project, and which is offered first: the developers' page and `manage.py access`."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import IntegrityError
from django.test import Client

from accounts.models import DEVELOPERS, User
from accounts.services import share
from tests import factories
from tests.training.project_pages import url
from training.models import Project
from training.services.projects import set_default

pytestmark = pytest.mark.django_db


@pytest.fixture
def cooks() -> Group:
    return Group.objects.create(name="Cooks")


def form_of(site: Client, project: Project) -> Any:
    return site.get(url("access", project.pk)).context["access_form"]


# The page


def test_page_says_who_may_use_it(site: Client, project: Project, person: User, cooks: Group) -> None:
    share(project, is_open=False, users=[person], groups=[cooks])

    form = form_of(site, project)

    assert form["is_open"].value() == "no"
    assert list(form["users"].value()) == [person.pk]
    assert list(form["groups"].value()) == [cooks.pk]


def test_people_and_groups_are_named_and_taken_off(site: Client, project: Project, person: User, cooks: Group) -> None:
    second, third = factories.make_user(), factories.make_user()
    share(project, is_open=True, users=[person, second], groups=[])

    site.post(
        url("access", project.pk),
        {"is_open": "no", "users": [second.pk], "groups": [cooks.pk], "more": f" {third.username}, ,{second.username}"},
    )

    project.refresh_from_db()
    assert not project.is_open
    assert set(project.granted_users) == {second, third}
    assert list(project.granted_groups) == [cooks]


def test_name_that_nobody_has_is_said_and_nothing_is_lost(site: Client, project: Project, person: User) -> None:
    answer: Any = site.post(url("access", project.pk), {"is_open": "no", "more": f"{person.username}, nobody"})

    project.refresh_from_db()
    assert project.is_open
    assert answer.context["access_form"].errors == {"more": ["There is no user nobody."]}
    assert f'value="{person.username}, nobody"' in answer.content.decode()


def test_form_without_a_choice_is_refused(site: Client, project: Project) -> None:
    answer: Any = site.post(url("access", project.pk), {"is_open": "perhaps"})

    assert "is_open" in answer.context["access_form"].errors


def test_developers_are_not_offered_as_a_group(site: Client, project: Project, cooks: Group) -> None:
    groups = [str(label) for _, label in form_of(site, project).fields["groups"].choices]

    assert "Cooks" in groups
    assert DEVELOPERS not in groups


def test_one_project_is_offered_first(site: Client, project: Project) -> None:
    former = factories.make_project(is_default=True)

    site.post(url("access", project.pk), {"is_open": "yes", "is_default": "on"})
    assert list(Project.objects.filter(is_default=True)) == [project]

    site.post(url("access", project.pk), {"is_open": "yes"})
    assert not Project.objects.filter(is_default=True).exists()
    assert Project.objects.contains(former)


def test_database_refuses_a_second_default() -> None:
    factories.make_project(is_default=True)

    with pytest.raises(IntegrityError, match="one_project_is_the_default_at_most"):
        factories.make_project(is_default=True)


def test_project_leads_to_its_access(site: Client, project: Project) -> None:
    assert url("access", project.pk) in site.get(url("settings", project.pk)).content.decode()


# The command


def told(capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    call_command("access", project="Dishes", as_json=True, **options)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_command_grants_and_revokes(
    project: Project, person: User, cooks: Group, capsys: pytest.CaptureFixture[str]
) -> None:
    nobody = {"project": "Dishes", "open": True, "default": False, "users": [], "groups": []}
    assert told(capsys) == nobody

    granted = told(capsys, named=True, grant_user=[person.username], grant_group=["Cooks"])
    assert granted == nobody | {"open": False, "users": [person.username], "groups": ["Cooks"]}
    assert told(capsys) == granted

    assert told(capsys, everybody=True, revoke_user=[person.username], revoke_group=["Cooks"], default=True) == {
        **nobody,
        "default": True,
    }


def test_command_tells_people(project: Project, person: User, cooks: Group, capsys: pytest.CaptureFixture[str]) -> None:
    share(project, is_open=False, users=[person], groups=[cooks])
    set_default(project, is_default=True)

    call_command("access", project="Dishes")

    assert capsys.readouterr().out.splitlines() == [
        "Only those named here, developers and administrators may use Dishes.",
        f"  user   {person.username}",
        "  group  Cooks",
        "It is offered first.",
    ]


@pytest.mark.parametrize("option", ["grant_user", "revoke_user", "grant_group", "revoke_group"])
def test_command_refuses_names_that_are_unknown(project: Project, option: str) -> None:
    with pytest.raises(CommandError, match=f"There is no {option.rpartition('_')[2]} 'nobody'") as refused:
        call_command("access", project="Dishes", named=True, **{option: ["nobody"]})

    assert refused.value.returncode == 2
    project.refresh_from_db()
    assert project.is_open
