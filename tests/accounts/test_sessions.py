"""A session belongs to one person, from signing in to signing out."""

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests import factories

FIELDS = {"username": "anne", "password": "s3cret-enough"}
HOME = reverse("classifier:home")
LOGIN = reverse("accounts:login")
ELSEWHERE = [
    "//evil.example/",
    "https://evil.example/",
    "https:evil.example",
    "http:///evil.example",
    "\\\\evil.example",
    "/\\evil.example",
    "javascript:alert(1)",
    "https://testserver@evil.example/",
    " //evil.example",
]


@pytest.fixture
def anne(db: None) -> User:
    return factories.make_user(**FIELDS)


def sign_in(browser: Client) -> str:
    """Sign in and return the session's key."""
    assert browser.post(LOGIN, FIELDS).headers["Location"] == HOME
    return str(browser.cookies["sessionid"].value)


def test_key_from_before_signing_in_opens_nothing_afterwards(anne: User) -> None:
    browser, thief = Client(), Client()
    session = browser.session
    session["seen"] = True
    session.save()
    thief.cookies["sessionid"] = before = str(session.session_key)
    browser.cookies["sessionid"] = before

    assert sign_in(browser) != before
    assert thief.get(HOME).status_code == 302


def test_key_that_somebody_made_up_is_not_taken(anne: User) -> None:
    browser = Client()
    browser.cookies["sessionid"] = made_up = "a" * 32

    assert sign_in(browser) != made_up
    assert not Session.objects.filter(session_key=made_up).exists()


def test_signing_out_ends_the_session_on_the_server(anne: User) -> None:
    browser, thief = Client(), Client()
    thief.cookies["sessionid"] = key = sign_in(browser)
    assert thief.get(HOME).status_code == 200

    browser.post(reverse("accounts:logout"))

    assert thief.get(HOME).status_code == 302
    assert not Session.objects.filter(session_key=key).exists()


def test_another_password_ends_the_other_sessions_and_not_this_one(anne: User) -> None:
    browser, other = Client(), Client()
    sign_in(browser), sign_in(other)
    new = "another-s3cret-enough"
    fields = {"old_password": FIELDS["password"], "new_password1": new, "new_password2": new}

    browser.post(reverse("accounts:password_change"), fields)

    assert browser.get(HOME).status_code == 200
    assert other.get(HOME).status_code == 302


def test_account_that_was_closed_ends_its_sessions(anne: User) -> None:
    browser = Client()
    sign_in(browser)

    User.objects.update(is_active=False)

    assert browser.get(HOME).status_code == 302


def test_cookies_are_out_of_reach_of_other_sites_and_the_session_of_scripts(anne: User) -> None:
    browser = Client()
    sign_in(browser)
    browser.get(HOME)

    assert browser.cookies["sessionid"]["httponly"]
    assert browser.cookies["sessionid"]["samesite"] == browser.cookies["csrftoken"]["samesite"] == "Lax"


@pytest.mark.parametrize("target", ELSEWHERE)
def test_signing_in_never_leads_elsewhere(anne: User, target: str) -> None:
    browser = Client()

    first = browser.post(f"{LOGIN}?next={target}", {**FIELDS, "next": target})
    again = browser.get(LOGIN, {"next": target})  # signed in already

    assert [first.headers["Location"], again.headers["Location"]] == [HOME, HOME]


@pytest.mark.parametrize("target", ELSEWHERE)
@pytest.mark.parametrize(
    ("name", "fields"), [("language", {"language": "en"}), ("language", {}), ("theme", {"theme": "dark"})]
)
def test_choices_never_lead_elsewhere(anne: User, target: str, name: str, fields: dict[str, str]) -> None:
    browser = Client()
    sign_in(browser)

    answer = browser.post(reverse(f"accounts:{name}"), {**fields, "next": target})

    assert answer.headers["Location"] == HOME


@pytest.mark.parametrize("target", ["nowhere", "²", "a\0b", "accounts"])
def test_word_that_is_no_address_leads_home(anne: User, target: str) -> None:
    browser = Client()
    sign_in(browser)

    answer = browser.post(reverse("accounts:theme"), {"theme": "dark", "next": target})

    assert answer.headers["Location"] == HOME


@pytest.mark.parametrize("target", ELSEWHERE)
def test_acts_on_lists_never_lead_elsewhere(db: None, target: str) -> None:
    browser = Client()
    browser.force_login(factories.make_developer())
    project = factories.make_project()
    image = factories.make_image(project=project)
    misprediction = factories.make_misprediction()

    for address, ids in [
        (reverse("training:images_tag", args=[project.pk]), image.pk),
        (reverse("training:images_delete", args=[project.pk]), image.pk),
        (reverse("feedback:act"), misprediction.pk),
    ]:
        for fields in ({"ids": ids, "act": "delete"}, {"ids": ids, "confirmed": "1"}, {}):
            answer = browser.post(address, {**fields, "next": target})
            assert "evil.example" not in answer.headers.get("Location", "")
            assert b"evil.example" not in answer.content
            assert b"javascript:" not in answer.content
