"""A link sets a password once, within 48 hours, and opens nothing else."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.exceptions import LinkIsDead
from accounts.models import PasswordLink, User
from accounts.password_links import create_link, find_link, redeem_link
from accounts.services import activate_user, deactivate_users
from accounts.sign_ins import MOST_BY_NAME, locked_until
from tests import factories

pytestmark = pytest.mark.django_db

HOME = reverse("classifier:home")
PLACE = reverse("accounts:password_set")
NEW = "another-s3cret-enough"
FIELDS = {"new_password1": NEW, "new_password2": NEW}


@pytest.fixture
def anne() -> User:
    return factories.make_user(username="anne", password="s3cret-enough")


@pytest.fixture
def text(anne: User) -> str:
    return make_text(anne)


def make_text(user: User) -> str:
    return create_link(user=user, by=factories.make_administrator())[1]


def follow(text: str, browser: Client | None = None, fields: dict[str, str] | None = None) -> Any:
    browser = browser or Client(headers={"accept-language": "en"})
    address = f"{PLACE}?link={text}"
    return browser.post(address, fields) if fields else browser.get(address)


def is_dead(text: str) -> bool:
    return b"This link no longer works" in follow(text).content


def test_link_sets_the_password_and_signs_in(anne: User, text: str) -> None:
    browser = Client()

    answer = follow(text, browser, fields=FIELDS)

    anne.refresh_from_db()
    assert answer.headers["Location"] == HOME
    assert anne.check_password(NEW)
    assert browser.get(HOME).context["user"] == anne


def test_looking_at_the_page_uses_nothing_up(text: str) -> None:
    follow(text)

    assert not is_dead(text)


def test_link_works_once(text: str) -> None:
    follow(text, fields=FIELDS)

    assert is_dead(text)
    assert "Location" not in follow(text, fields=FIELDS).headers


def test_of_two_at_once_one_sets_the_password(anne: User, text: str) -> None:
    first, second = find_link(text), find_link(text)
    redeem_link(first, password=NEW)

    with pytest.raises(LinkIsDead):
        redeem_link(second, password="of-somebody-else")

    anne.refresh_from_db()
    assert anne.check_password(NEW)


def test_newer_link_replaces_the_older(anne: User, text: str) -> None:
    newer = make_text(anne)

    assert is_dead(text)
    assert not is_dead(newer)


def test_another_password_ends_the_link(anne: User, text: str) -> None:
    anne.set_password("changed-by-a-command")
    anne.save()

    assert is_dead(text)


def test_link_is_dead_after_48_hours(text: str) -> None:
    PasswordLink.objects.update(expires_at=timezone.now() + timedelta(seconds=30))
    assert not is_dead(text)

    PasswordLink.objects.update(expires_at=timezone.now())
    assert is_dead(text)


def test_link_lasts_48_hours(anne: User) -> None:
    link, _text = create_link(user=anne, by=factories.make_administrator())

    assert abs(link.expires_at - timezone.now() - timedelta(hours=48)) < timedelta(minutes=1)


def test_link_of_who_is_deactivated_is_dead_for_good(anne: User, text: str) -> None:
    deactivate_users([anne], successors={})
    assert is_dead(text)

    activate_user(anne)
    assert is_dead(text)


@pytest.mark.parametrize("text", ["", "nonsense", "%00", "x" * 5000])
def test_nonsense_is_a_dead_link(text: str) -> None:
    assert is_dead(text)


def test_dead_link_says_what_to_do(anne: User) -> None:
    page = follow("used", Client(headers={"accept-language": "fr"})).content.decode()

    assert "Demandez-en un autre à votre administrateur." in page
    assert reverse("accounts:login") in page


def test_text_of_the_link_is_stored_nowhere_and_names_nobody(anne: User, text: str) -> None:
    link = PasswordLink.objects.get()

    assert text not in (link.digest, link.replaces)
    assert re.fullmatch("[A-Za-z0-9_-]{43}", text)


def test_text_of_the_link_is_not_logged(text: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    follow(text, fields=FIELDS)

    assert PLACE in caplog.text
    assert text not in caplog.text


@pytest.mark.parametrize(
    ("language", "sentence"), [("fr", "Ce mot de passe est trop court."), ("en", "This password is too short.")]
)
def test_weak_password_is_refused_in_the_readers_language(anne: User, text: str, language: str, sentence: str) -> None:
    page = follow(
        text, Client(headers={"accept-language": language}), fields={"new_password1": "a", "new_password2": "a"}
    )

    anne.refresh_from_db()
    assert sentence in page.content.decode()
    assert anne.check_password("s3cret-enough")
    assert not is_dead(text)


def test_other_sessions_of_the_person_end(anne: User, text: str) -> None:
    other = Client()
    other.force_login(anne)

    follow(text, fields=FIELDS)

    assert other.get(HOME).status_code == 302


def test_administrator_who_tries_the_link_is_warned_first(text: str) -> None:
    browser = Client(headers={"accept-language": "en"})
    browser.force_login(factories.make_administrator(username="root"))

    assert "You are signed in as root." in follow(text, browser).content.decode()


def test_link_releases_the_lock_of_the_name(anne: User, text: str) -> None:
    wrong = {"username": "anne", "password": "wrong"}
    for _ in range(MOST_BY_NAME):
        Client().post(reverse("accounts:login"), wrong)
    assert locked_until(anne)

    follow(text, fields=FIELDS)

    assert locked_until(anne) is None
