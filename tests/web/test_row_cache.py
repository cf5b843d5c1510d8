"""Rows are kept for the next request, and forgotten as soon as they change."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accounts.keys import create_key, find_key
from accounts.models import ApiKey
from tests import factories
from web import row_cache
from web.row_cache import cached

HEARD_WITHIN_S = 10.0  # on a machine that does much else; mostly a millisecond


class Reader:
    """Counts how often it is asked."""

    def __init__(self, *found: str | None) -> None:
        self.found = found
        self.asked = 0

    def __call__(self) -> str | None:
        self.asked += 1
        return self.found[min(self.asked, len(self.found)) - 1]


@pytest.fixture(autouse=True)
def nothing_kept(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Forget what other tests have read, and never of old age. Outside of a transaction, in tables that stay empty."""
    monkeypatch.setattr(row_cache, "TRUSTED_S", 3600)
    with django_db_blocker.unblock():
        connection.close()
        yield


@pytest.fixture
def elsewhere() -> Iterator[BaseDatabaseWrapper]:
    """Yield a connection of another process, as it were."""
    other = connection.copy()
    yield other
    other.close()


def run(other: BaseDatabaseWrapper, statement: str) -> None:
    with other.cursor() as cursor:
        cursor.execute(statement)


def wait_until_asked(reader: Reader, times: int) -> None:
    ends = time.monotonic() + HEARD_WITHIN_S
    while reader.asked < times:
        assert time.monotonic() < ends, "No change was heard of."
        cached("row", reader)


def test_found_is_kept() -> None:
    read = Reader("a", "b")

    assert (cached("row", read), cached("row", read), read.asked) == ("a", "a", 1)


def test_nothing_found_is_asked_again() -> None:
    read = Reader(None, "a")

    assert (cached("row", read), cached("row", read)) == (None, "a")


def test_each_key_has_its_own() -> None:
    assert (cached("row", lambda: "a"), cached("other", lambda: "b")) == ("a", "b")


@pytest.mark.parametrize("table", ["accounts_apikey", "training_project", "training_iteration"])
@pytest.mark.parametrize("change", ["UPDATE {} SET name = 'other'", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_change_elsewhere_is_heard(table: str, change: str, elsewhere: BaseDatabaseWrapper) -> None:
    read = Reader("a")
    cached("row", read)

    run(elsewhere, change.format(table))

    wait_until_asked(read, 2)
    cached("row", read)
    assert read.asked == 2


def test_change_that_came_with_another_answer_is_heard(elsewhere: BaseDatabaseWrapper) -> None:
    """PostgreSQL tells it before it answers the next statement; then the socket is silent."""
    read = Reader("a")
    cached("row", read)

    run(elsewhere, "NOTIFY classifr_rows_changed")
    ends = time.monotonic() + HEARD_WITHIN_S
    while not connection.connection.notifies and time.monotonic() < ends:
        run(connection, "SELECT 1")
    cached("row", read)

    assert read.asked == 2


def test_change_that_is_taken_back_is_none(elsewhere: BaseDatabaseWrapper) -> None:
    read = Reader("a")
    cached("row", read)

    run(elsewhere, "BEGIN; NOTIFY classifr_rows_changed; ROLLBACK")
    run(elsewhere, "SELECT pg_sleep(0.1)")
    cached("row", read)

    assert read.asked == 1


def test_transaction_reads_for_itself() -> None:
    read = Reader("a")
    cached("row", read)

    with transaction.atomic():
        cached("row", read)

    assert read.asked == 2


def test_nothing_is_kept_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should what PostgreSQL tells get lost on its way."""
    monkeypatch.setattr(row_cache, "TRUSTED_S", 0)
    read = Reader("a")

    cached("row", read)
    cached("row", read)

    assert read.asked == 2


def test_new_connection_has_kept_nothing() -> None:
    read = Reader("a")
    cached("row", read)

    connection.close()
    cached("row", read)
    cached("row", read)

    assert read.asked == 2


def test_lost_connection_is_asked_no_more(elsewhere: BaseDatabaseWrapper) -> None:
    read = Reader("a")
    cached("row", read)
    session = connection.connection

    run(elsewhere, f"SELECT pg_terminate_backend({session.info.backend_pid}, 10000)")
    connection.close_if_unusable_or_obsolete()  # as Django does before each request
    cached("row", read)

    assert read.asked == 2
    connection.close()


def test_only_so_much_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_cache, "_MOST", 2)
    read = Reader("a")
    cached("row", read)

    cached("second", lambda: "b")
    cached("third", lambda: "c")
    cached("row", read)

    assert read.asked == 2


def statements_of_a_look_for(text: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert find_key(text, now=timezone.now())
    return len(asked)


@pytest.mark.django_db(transaction=True)
def test_key_is_found_without_a_statement() -> None:
    _key, text = create_key(name="key", scope=ApiKey.Scope.ALL, by=None)
    ends = time.monotonic() + HEARD_WITHIN_S

    # The first look notes the use of the key, which is a change like any other.
    while statements_of_a_look_for(text):
        assert time.monotonic() < ends


@pytest.mark.django_db(transaction=True)
def test_revoked_key_is_found_no_more(elsewhere: BaseDatabaseWrapper) -> None:
    _key, text = create_key(name="key", scope=ApiKey.Scope.ALL, by=None)
    assert find_key(text, now=timezone.now())

    run(elsewhere, "UPDATE accounts_apikey SET revoked_at = now()")

    ends = time.monotonic() + HEARD_WITHIN_S
    while find_key(text, now=timezone.now()):
        assert time.monotonic() < ends


@pytest.mark.django_db(transaction=True)
def test_key_of_a_deactivated_person_is_found_no_more(elsewhere: BaseDatabaseWrapper) -> None:
    _key, text = create_key(name="key", scope=ApiKey.Scope.ALL, by=factories.make_developer())
    assert find_key(text, now=timezone.now())

    run(elsewhere, "UPDATE accounts_user SET is_active = false")

    ends = time.monotonic() + HEARD_WITHIN_S
    while find_key(text, now=timezone.now()):
        assert time.monotonic() < ends


@pytest.mark.django_db(transaction=True)
def test_key_that_is_kept_expires_all_the_same() -> None:
    now = timezone.now()
    _key, text = create_key(name="key", scope=ApiKey.Scope.ALL, by=None, expires_at=now + timedelta(days=1))
    assert find_key(text, now=now)

    assert find_key(text, now=now + timedelta(days=1)) is None
