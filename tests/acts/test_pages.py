"""The log for administrators, and one's own acts with a way back."""

import csv
import io
import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from acts.models import Act
from acts.services import Doer, record
from acts.verbs import Change, verbs
from tests import factories
from tests.acts.test_undo import choose, theme_of

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], Client]


@pytest.fixture(autouse=True)
def some_verbs(settings: Settings) -> None:
    settings.CLASSIFR_VERBS = {"theme": "tests.acts.verbs.theme", "say": "tests.acts.verbs.final"}
    verbs.forget()


@pytest.fixture
def log(signed_in: SignIn) -> Client:
    client = signed_in(factories.make_administrator())
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


def shown(client: Client, address: str = "acts:log", **filters: str) -> list[int]:
    return [line.act.pk for line in client.get(reverse(address), filters).context["lines"]]


def test_log_shows_what_who_and_how_it_was(log: Client, person: User) -> None:
    choose(person, "dark")

    page = log.get(reverse("acts:log")).content.decode()

    text = " ".join(re.sub("<[^>]+>", " ", page).split())
    assert f"{person.username} chose a theme user {person.pk} auto → dark" in text


def test_filters(log: Client, person: User) -> None:
    other = factories.make_user()
    first, second = choose(person, "dark"), choose(other, "light", verb="say")

    assert shown(log) == [second.pk, first.pk]
    assert shown(log, name=person.username) == shown(log, verb="theme") == [first.pk]
    assert shown(log, kind="user", object_id=str(other.pk)) == [second.pk]
    assert shown(log, since="2099-01-01") == shown(log, until="2001-01-01") == []
    assert shown(log, since="nonsense") == [second.pk, first.pk]


def test_act_on_thousands_shows_a_few_and_counts_the_others(
    log: Client, person: User, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    changes = [Change("user", str(number), None, "dark") for number in range(5_000)]
    record(verb="theme", by=Doer.person(person), changes=changes)

    [line] = log.get(reverse("acts:log")).context["lines"]

    assert ([change.thing for change in line.changes], line.others) == (
        [f"user {number}" for number in range(5)],
        4_995,
    )


def test_number_of_statements_does_not_grow(
    log: Client, person: User, django_assert_num_queries: Callable[[int], object]
) -> None:
    counts = []
    for _ in range(2):
        for theme in ("dark", "light", "auto"):
            choose(person, theme)
        with django_assert_num_queries(4) as queries:  # type: ignore[attr-defined]
            log.get(reverse("acts:log"))
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_table_is_no_program(log: Client) -> None:
    by = Doer.command("=HYPERLINK(1)")
    record(verb="theme", by=by, changes=[Change("user", "1", "@SUM(1)", {"tag": "+1"})])

    answer = log.get(reverse("acts:export"))

    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))  # type: ignore[attr-defined]
    assert rows[0] == ["when", "actor", "name", "verb", "kind", "id", "before", "after", "undone"]
    assert rows[1][1:] == ["command", "'=HYPERLINK(1)", "theme", "user", "1", '"@SUM(1)"', '{"tag": "+1"}', ""]


def test_own_acts_have_a_way_back(signed_in: SignIn, person: User) -> None:
    site = signed_in(person)
    choose(factories.make_user(), "light")
    act = choose(person, "dark")

    page = site.get(reverse("acts:mine"))
    assert [line.act.pk for line in page.context["lines"]] == [act.pk]
    assert reverse("acts:undo", args=[act.pk]) in page.content.decode()

    site.post(reverse("acts:undo", args=[act.pk]))
    assert theme_of(person) == "auto"


def test_last_is_undone_and_done_again(signed_in: SignIn, person: User) -> None:
    site = signed_in(person)
    choose(person, "dark")

    assert site.post(reverse("acts:undo_last"), {"next": "/help/"}).headers["Location"] == "/help/"
    assert theme_of(person) == "auto"

    site.post(reverse("acts:redo"))
    assert theme_of(person) == "dark"


@pytest.mark.parametrize("address", ["acts:undo_last", "acts:redo"])
def test_nothing_to_take_back_is_said(signed_in: SignIn, person: User, address: str) -> None:
    page = signed_in(person).post(reverse(address), follow=True, headers={"Accept-Language": "en"})

    assert [str(message) for message in page.context["messages"]] == ["There is nothing to take back."]


def test_what_another_changed_since_is_said(signed_in: SignIn, person: User) -> None:
    other = factories.make_user()
    act = choose(person, "dark")
    choose(other, "light", person)

    page = signed_in(person).post(reverse("acts:undo", args=[act.pk]), follow=True, headers={"Accept-Language": "en"})

    said = [str(message) for message in page.context["messages"]]
    assert said == [f"{other.username} has changed this since: it stays as it is."]
    assert theme_of(person) == "light"


def test_act_of_another_is_not_found(signed_in: SignIn, person: User) -> None:
    act = choose(factories.make_user(), "dark")

    assert signed_in(person).post(reverse("acts:undo", args=[act.pk])).status_code == 404
    assert Act.objects.filter(undone_by=None).count() == 1
