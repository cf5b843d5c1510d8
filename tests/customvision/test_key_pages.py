"""The pages on keys: made, shown once, listed, revoked; for developers alone."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.keys import create_key, find_key, revoke_key
from accounts.models import ApiKey, User
from tests import factories

SignIn = Callable[[User], Client]
PAGES = ("/connect/", "/connect/keys/", "/connect/keys/new", "/connect/keys/1/revoke")


@pytest.fixture
def developer(db: None) -> User:
    return factories.make_developer(language="en")


@pytest.fixture
def site(signed_in: SignIn, developer: User) -> Client:
    return signed_in(developer)


def make_key(site: Client, **fields: Any) -> Any:
    return site.post("/connect/keys/new", {"name": "camera", "scope": "prediction", **fields})


def text_in(page: Any) -> str:
    found = re.search(r">(cfr_[0-9a-f]{40})</textarea>", page.content.decode())
    assert found
    return found[1]


def test_key_is_made_and_shown(site: Client, developer: User) -> None:
    page = make_key(site)

    key = find_key(text_in(page), now=timezone.now())
    assert key
    assert (key.name, key.scope, key.project_uid, key.owner) == ("camera", "prediction", None, developer)


def test_text_of_a_key_is_kept_nowhere(site: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        page = make_key(site)

    text = text_in(page)
    assert "no-store" in page["Cache-Control"]
    assert text not in caplog.text
    assert text not in str([session.get_decoded() for session in Session.objects.all()])
    assert text not in site.get("/connect/keys/").content.decode()


def test_form_that_is_sent_again_makes_no_other_key(site: Client) -> None:
    make_key(site)

    again = make_key(site)

    assert "A key of that name works already." in again.content.decode()
    assert ApiKey.objects.count() == 1


def test_name_of_a_revoked_key_is_free(site: Client) -> None:
    revoke_key(create_key(name="camera", scope="all", by=None)[0])

    assert find_key(text_in(make_key(site)), now=timezone.now())


def test_key_of_one_project_until_a_day(site: Client) -> None:
    project = factories.make_project()
    today = timezone.localdate()

    key = find_key(text_in(make_key(site, project=project.uid, expires_on=today.isoformat())), now=timezone.now())

    assert key
    assert key.project_uid == project.uid
    assert key.expires_at
    assert timezone.localdate(key.expires_at) == today + timedelta(days=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 101},
        {"scope": "everything"},
        {"project": "00000000-0000-4000-8000-000000000000"},
        {"project": "nonsense"},
        {"expires_on": "2020-01-01"},
        {"expires_on": "9999-12-31"},
        {"expires_on": "tomorrow"},
    ],
    ids=str,
)
def test_what_cannot_be_is_said_at_its_field(site: Client, wrong: dict[str, str]) -> None:
    page = make_key(site, **wrong)

    assert list(page.context["form"].errors) == list(wrong)
    assert not ApiKey.objects.exists()


def test_keys_are_listed_with_their_state(site: Client, developer: User) -> None:
    now = timezone.now()
    project = factories.make_project(name="Flowers")
    create_key(name="works", scope="training", by=developer, project_uid=project.uid)
    create_key(name="over", scope="all", by=None, expires_at=now - timedelta(days=1))
    revoke_key(create_key(name="stopped", scope="all", by=developer)[0])

    rows = re.findall(r"<tr>\s*<th scope=\"row\">(.*?)</tr>", site.get("/connect/keys/").content.decode(), re.DOTALL)

    assert [("revoked" in row, "expired" in row, "works</span>" in row) for row in rows] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]
    assert "Flowers" in rows[2]
    assert "by a command" in rows[1]


def test_list_takes_as_many_queries_for_many_keys(
    site: Client, developer: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    project = factories.make_project()
    for number in range(5):
        create_key(name=f"key {number}", scope="all", by=developer, project_uid=project.uid)

    with django_assert_num_queries(6):
        site.get("/connect/keys/")


def test_key_of_a_project_that_is_gone_is_listed(site: Client) -> None:
    project = factories.make_project()
    create_key(name="old", scope="all", by=None, project_uid=project.uid)
    project.delete()

    assert "a project that is gone" in site.get("/connect/keys/").content.decode()


def test_key_is_revoked_once_that_is_confirmed(site: Client) -> None:
    key, text = create_key(name="camera", scope="all", by=None)

    asked = site.get(f"/connect/keys/{key.pk}/revoke").content.decode()
    assert key.prefix in asked
    assert find_key(text, now=timezone.now())

    done = site.post(f"/connect/keys/{key.pk}/revoke", follow=True).content.decode()
    assert "is revoked: it opens nothing any more." in done
    assert find_key(text, now=timezone.now()) is None


def test_revoked_key_is_not_asked_about_again(site: Client) -> None:
    key, _text = create_key(name="camera", scope="all", by=None)
    revoke_key(key)

    assert "It is revoked already." in site.get(f"/connect/keys/{key.pk}/revoke").content.decode()


def test_unknown_key_is_not_found(site: Client) -> None:
    assert site.get("/connect/keys/12345/revoke").status_code == 404


def test_administrators_look_at_keys_and_change_none(client: Client, db: None) -> None:
    key, _text = create_key(name="camera", scope="all", by=None)
    client.force_login(factories.make_user(is_staff=True, is_superuser=True))

    page = client.get(f"/admin/accounts/apikey/{key.pk}/change/").content.decode()

    assert key.prefix in page
    assert key.digest not in page
    assert client.get("/admin/accounts/apikey/add/").status_code == 403
    assert client.post(f"/admin/accounts/apikey/{key.pk}/delete/").status_code == 403
