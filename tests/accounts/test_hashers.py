"""One password is hashed at a time; two wait for a second at most, and the others are answered at once."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts import hashers
from accounts.exceptions import Busy
from accounts.hashers import Gate
from accounts.models import User
from tests import factories


@pytest.fixture
def real_passwords(settings: Settings, quick_passwords: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The site's own hasher, in few rounds."""
    settings.PASSWORD_HASHERS = ["accounts.hashers.OneByOnePBKDF2"]
    monkeypatch.setattr(hashers.OneByOnePBKDF2, "iterations", 1_000)


@contextmanager
def held(gate: Gate) -> Iterator[None]:
    """Let another thread be within the gate."""
    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        with gate.turn():
            taken.set()
            done.wait(10)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(hold)
        assert taken.wait(10)
        try:
            yield
        finally:
            done.set()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """A gate where nobody waits long, in place of the process's own."""
    gate = Gate(waiting=2, wait_s=0.05)
    monkeypatch.setattr(hashers, "gate", gate)
    return gate


def test_gate_lets_one_through_at_a_time() -> None:
    gate, inside, most = Gate(waiting=2, wait_s=10), 0, 0

    def pass_through() -> None:
        nonlocal inside, most
        with gate.turn():
            inside += 1
            most = max(most, inside)
            time.sleep(0.01)
            inside -= 1

    with ThreadPoolExecutor(3) as pool:
        for passed in [pool.submit(pass_through) for _ in range(3)]:
            passed.result()

    assert most == 1
    assert gate.has_room(1)


def test_fourth_is_turned_away_at_once() -> None:
    gate = Gate(waiting=2, wait_s=10)
    waiting = threading.Barrier(3)

    def wait() -> None:
        waiting.wait()
        with gate.turn():
            pass

    with ThreadPoolExecutor(2) as pool, held(gate):
        for _ in range(2):
            pool.submit(wait)
        waiting.wait()
        while gate.has_room(3):  # until both wait
            time.sleep(0.001)
        started = time.monotonic()
        with pytest.raises(Busy), gate.turn():
            pass

        assert time.monotonic() - started < 1


def test_nobody_waits_longer_than_said(gate: Gate) -> None:
    started = time.monotonic()

    with held(gate), pytest.raises(Busy), gate.turn():
        pass

    assert 0.05 <= time.monotonic() - started < 5


def test_place_is_free_again_after_a_failure(gate: Gate) -> None:
    for _ in range(5):
        with pytest.raises(ZeroDivisionError), gate.turn():
            raise ZeroDivisionError
        with held(gate), pytest.raises(Busy), gate.turn():
            pass

    with gate.turn():
        pass


def test_passwords_of_before_are_known(real_passwords: None, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    stored = make_password("s3cret-enough")

    settings.PASSWORD_HASHERS = ["accounts.hashers.OneByOnePBKDF2"]

    assert check_password("s3cret-enough", stored)
    assert not check_password("another", stored)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["anne", "nobody"])
def test_sign_in_while_others_do_is_answered_with_when_to_come_again(
    real_passwords: None, gate: Gate, client: Client, name: str
) -> None:
    factories.make_user(username="anne", password="s3cret-enough")
    fields = {"username": name, "password": "s3cret-enough"}

    with held(gate):
        answer = client.post(reverse("accounts:login"), fields, headers={"accept-language": "fr"})

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")
    assert "Réessayez dans quelques secondes" in answer.content.decode()
    assert "_auth_user_id" not in client.session
    assert client.post(reverse("accounts:login"), fields).status_code == (302 if name == "anne" else 200)


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["accounts:password_change", "admin:password_change"])
def test_change_of_password_goes_through_the_same_gate(
    real_passwords: None, gate: Gate, client: Client, address: str
) -> None:
    person: User = factories.make_user(is_staff=True, is_superuser=True)
    client.force_login(person)
    new = "another-s3cret-enough"
    fields = {"old_password": "s3cret-enough", "new_password1": new, "new_password2": new}

    with held(gate):
        refused = client.post(reverse(address), fields)
    person.refresh_from_db()
    assert (refused.status_code, person.check_password("s3cret-enough")) == (429, True)

    client.post(reverse(address), fields)
    person.refresh_from_db()
    assert person.check_password(new)
