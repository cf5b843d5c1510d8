"""Too many wrong passwords are refused before anybody hashes one: by name, by network, all over the site."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import localize

from accounts import sign_ins
from accounts.hashers import gate
from accounts.models import RequestCount, User
from tests import factories

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], Client]
LOGIN = reverse("accounts:login")
PASSWORD, WRONG = "s3cret-enough", "wrong"


@pytest.fixture
def anne() -> User:
    return factories.make_user(username="anne", password=PASSWORD)


def post(browser: Client, name: str = "anne", *, password: str = WRONG, address: str = "203.0.113.7") -> Any:
    return browser.post(LOGIN, {"username": name, "password": password}, REMOTE_ADDR=address)


def lock(name: str = "anne") -> None:
    for number in range(sign_ins.MOST_BY_NAME):
        post(Client(), name, address=f"10.0.{number}.1")


def is_signed_in(browser: Client) -> bool:
    return "_auth_user_id" in browser.session


def test_many_wrong_passwords_lock_the_name_from_everywhere_for_a_while(anne: User, client: Client) -> None:
    lock()

    answer = post(client, password=PASSWORD)

    assert answer.status_code == 429
    assert 14 * 60 < int(answer.headers["Retry-After"]) <= 15 * 60
    assert "15" in answer.content.decode()
    assert not is_signed_in(client)


@pytest.mark.parametrize("written", [" anne", "anne\t", "ａｎｎｅ"])
def test_lock_holds_however_the_name_is_written(anne: User, client: Client, written: str) -> None:
    lock()

    assert post(client, written, password=PASSWORD).status_code == 429


def test_lock_ends_with_its_window(anne: User, client: Client) -> None:
    lock()
    RequestCount.objects.update(ends_at=timezone.now() - timedelta(seconds=1))

    post(client, password=PASSWORD)

    assert is_signed_in(client)


def test_lock_of_before_the_clock_was_set_back_does_not_last(anne: User, client: Client) -> None:
    lock()
    RequestCount.objects.update(ends_at=timezone.now() + timedelta(days=400))

    assert sign_ins.locked_until(anne) is None
    assert post(client, password=PASSWORD).status_code == 302


def test_name_that_nobody_has_is_locked_in_the_same_way(client: Client) -> None:
    lock("nobody")

    assert post(client, "nobody").status_code == 429
    assert post(client, "somebody").status_code == 200


def test_right_password_forgets_the_wrong_ones(anne: User) -> None:
    for _ in range(sign_ins.MOST_BY_NAME - 1):
        post(Client())
    post(Client(), password=PASSWORD)

    assert post(Client()).status_code == 200
    assert not RequestCount.objects.filter(count__gte=sign_ins.MOST_BY_NAME, key__contains="name=").exists()


def test_browser_of_a_recent_sign_in_is_not_locked_out_by_others(anne: User, client: Client) -> None:
    post(client, password=PASSWORD)
    client.post(reverse("accounts:logout"))
    lock()

    post(client, password=PASSWORD)

    assert is_signed_in(client)


def test_such_a_browser_has_no_more_tries_than_others(anne: User, client: Client) -> None:
    post(client, password=PASSWORD)
    client.post(reverse("accounts:logout"))
    answers = [post(client).status_code for _ in range(sign_ins.MOST_BY_NAME + 1)]

    assert answers == [200] * sign_ins.MOST_BY_NAME + [429]
    assert post(Client()).status_code == 200


def test_such_a_browser_is_known_for_its_own_name_alone(anne: User, client: Client) -> None:
    factories.make_user(username="bob", password=PASSWORD)
    post(client, "bob", password=PASSWORD)
    client.post(reverse("accounts:logout"))
    lock()

    assert post(client, password=PASSWORD).status_code == 429


def test_cookie_that_somebody_made_up_opens_nothing(anne: User, client: Client) -> None:
    client.cookies[sign_ins.DEVICE_COOKIE] = "0" * 32 + ":1abcde:signature"
    lock()

    assert post(client, password=PASSWORD).status_code == 429


def test_cookie_is_out_of_reach_of_scripts_and_does_not_say_the_name(anne: User, client: Client) -> None:
    post(client, password=PASSWORD)

    cookie = client.cookies[sign_ins.DEVICE_COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert "anne" not in cookie.value


@pytest.mark.parametrize(
    ("limit", "addresses", "other"),
    [
        ("MOST_BY_IPV6_64", ["2001:200:0:1::1", "2001:200:0:1::2", "2001:200:0:1:ffff::"], "2001:200:0:2::1"),
        ("MOST_BY_IPV4_24", ["203.0.113.1", "203.0.113.2", "::ffff:203.0.113.255"], "203.0.114.1"),
    ],
)
def test_failures_are_counted_by_network(
    anne: User, monkeypatch: pytest.MonkeyPatch, limit: str, addresses: list[str], other: str
) -> None:
    monkeypatch.setattr(sign_ins, limit, 2)

    answers = [post(Client(), f"user{number}", address=address) for number, address in enumerate(addresses)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 0 < int(answers[2].headers["Retry-After"]) <= 60
    assert post(Client(), password=PASSWORD, address=addresses[0]).status_code == 429
    assert post(Client(), password=PASSWORD, address=other).status_code == 302


def test_many_share_an_ipv4_network() -> None:
    assert sign_ins.MOST_BY_IPV4_24 > sign_ins.MOST_BY_IPV6_64 > sign_ins.MOST_BY_NAME


def test_failures_are_counted_all_over_the_site(anne: User, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    post(client, password=PASSWORD)
    client.post(reverse("accounts:logout"))
    monkeypatch.setattr(sign_ins, "MOST_OVERALL", 2)
    for number in range(2):
        post(Client(), f"user{number}", address=f"10.0.{number}.1")

    assert post(Client(), password=PASSWORD).status_code == 429
    assert post(client, password=PASSWORD).status_code == 302  # its browser is known


def test_failures_are_counted_by_one_statement(anne: User, client: Client, django_assert_num_queries: Any) -> None:
    attempt = sign_ins.attempt_of(client.post(LOGIN, {}).wsgi_request, "anne")

    with django_assert_num_queries(1):
        attempt.check()
    with django_assert_num_queries(1):
        attempt.note_failure()


def test_full_queue_asks_no_database(
    client: Client, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(gate, "_taken", 3)

    with django_assert_num_queries(0):
        assert post(client).status_code == 429


def test_refused_attempt_hashes_nothing(anne: User, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    lock()
    monkeypatch.setattr("django.contrib.auth.forms.authenticate", lambda **options: pytest.fail("it was hashed"))

    assert post(client).status_code == 429


@pytest.mark.parametrize(
    ("inside", "statuses"),
    [
        (0, {"who failed": 200, "new name": 200, "new name and network": 200}),
        (1, {"who failed": 429, "new name": 200, "new name and network": 200}),
        (2, {"who failed": 429, "new name": 429, "new name and network": 200}),
        (3, {"who failed": 429, "new name": 429, "new name and network": 429}),
    ],
)
def test_who_failed_lately_is_waited_for_less(
    anne: User, monkeypatch: pytest.MonkeyPatch, inside: int, statuses: dict[str, int]
) -> None:
    post(Client(), "anne", address="203.0.113.1")
    monkeypatch.setattr(gate, "_taken", inside)  # the tests' own hasher passes no gate

    answers = {
        "who failed": post(Client(), "anne", address="198.18.0.1"),
        "new name": post(Client(), "bob", address="203.0.113.2"),
        "new name and network": post(Client(), "carl", address="198.18.1.1"),
    }

    assert {who: answer.status_code for who, answer in answers.items()} == statuses
    assert all(answer.headers.get("Retry-After") == "3" for answer in answers.values() if answer.status_code == 429)


def test_operator_hears_of_a_lock_once(anne: User, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="accounts.sign_ins"):
        lock()
        post(Client())
        lock("a-password-perhaps")

    locks = [record.getMessage() for record in caplog.records if record.name == "accounts.sign_ins"]
    assert [sentence.partition(" s after ")[2] for sentence in locks] == [
        f"10 failures: user={anne.pk}",
        "10 failures: user=unknown",
    ]


def test_refusal_is_said_in_the_language_of_the_reader(anne: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_ins, "MOST_OVERALL", 0)
    post(Client())
    pages = {
        language: post(Client(headers={"accept-language": language})).content.decode() for language in ("fr", "en")
    }

    assert "La connexion a échoué trop souvent" in pages["fr"]
    assert "Sign-in has failed too often" in pages["en"]


# Ways out


def test_command_releases_the_lock(anne: User, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    lock()

    call_command("unlock", "anne")
    call_command("unlock", "anne")

    assert capsys.readouterr().out.splitlines() == [
        "anne can sign in again.",
        "anne was not locked.",
    ]
    assert post(client, password=PASSWORD).status_code == 302


def test_command_refuses_a_name_that_nobody_has() -> None:
    with pytest.raises(CommandError, match="no user 'nobody'") as refused:
        call_command("unlock", "nobody")

    assert refused.value.returncode == 2


def test_administrator_sees_and_releases_the_lock(anne: User, signed_in: SignIn, client: Client) -> None:
    browser = signed_in(factories.make_user(is_staff=True, is_superuser=True))
    address = reverse("admin:accounts_user_change", args=[anne.pk])
    assert "Connexion bloquée jusqu’à" in browser.get(address).content.decode()
    assert sign_ins.locked_until(anne) is None
    lock()
    until = sign_ins.locked_until(anne)
    assert until is not None
    with translation.override("fr"):
        assert localize(timezone.localtime(until)) in browser.get(address).content.decode()

    browser.post(reverse("admin:accounts_user_changelist"), {"action": "release_locks", "_selected_action": [anne.pk]})

    assert sign_ins.locked_until(anne) is None
    assert post(client, password=PASSWORD).status_code == 302
