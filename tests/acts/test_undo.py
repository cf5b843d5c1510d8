"""Acts are written down and taken back."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from acts.exceptions import Changed, NotUndone
from acts.models import Act
from acts.services import Doer, changes_of, last_done, last_undone, record, undo
from acts.verbs import Change, verbs
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def some_verbs(settings: Settings) -> None:
    settings.CLASSIFR_VERBS = {"theme": "tests.acts.verbs.theme", "say": "tests.acts.verbs.final"}
    verbs.forget()


def in_an_hour() -> datetime:
    return timezone.now() + timedelta(hours=1)


def choose(user: User, theme: str, *others: User, verb: str = "theme", until: datetime | None = None) -> Act:
    """Let the user give that theme to themselves, or to the others."""
    people = others or (user,)
    changes = [Change("user", str(each.pk), each.theme, theme) for each in people]
    User.objects.filter(pk__in=[each.pk for each in people]).update(theme=theme)
    for each in people:
        each.refresh_from_db()
    act = record(verb=verb, by=Doer.person(user), changes=changes, undo_until=until or in_an_hour())
    assert act is not None
    return act


def theme_of(user: User) -> str:
    user.refresh_from_db()
    return user.theme


def test_one_gesture_is_one_act_and_one_undo(person: User) -> None:
    others = [factories.make_user() for _ in range(3)]
    act = choose(person, "dark", *others)

    undo(act=act, by=person)

    assert [theme_of(each) for each in others] == ["auto"] * 3
    act.refresh_from_db()
    assert act.undone_by
    assert [change.after for change in changes_of(act.undone_by)] == ["auto"] * 3


def test_undo_and_redo_go_back_and_forth(person: User) -> None:
    choose(person, "dark")
    choose(person, "light")
    seen = []

    for take in (last_done, last_done, last_done, last_undone, last_undone, last_undone, last_done):
        if act := take(person):
            undo(act=act, by=person)
        seen.append(theme_of(person))

    assert seen == ["dark", "auto", "auto", "dark", "light", "light", "dark"]


def test_nothing_is_redone_after_a_new_act(person: User) -> None:
    undo(act=choose(person, "dark"), by=person)
    choose(person, "light")

    assert last_undone(person) is None


def test_what_changed_nothing_is_no_act(person: User) -> None:
    change = Change("user", str(person.pk), "auto", "auto")

    assert record(verb="theme", by=Doer.person(person), changes=[change]) is None


def test_later_act_of_another_is_not_overwritten(person: User) -> None:
    other = factories.make_user(username="remi")
    mine = choose(person, "dark", person)
    choose(other, "light", person)

    with pytest.raises(Changed, match="remi"):
        undo(act=mine, by=person)

    assert theme_of(person) == "light"
    mine.refresh_from_db()
    assert mine.undone_by is None


def test_change_that_no_act_tells_is_not_overwritten_either(person: User) -> None:
    act = choose(person, "dark")
    User.objects.update(theme="light")

    with pytest.raises(Changed, match="another by now"):
        undo(act=act, by=person)


def test_act_of_another_is_theirs(person: User) -> None:
    act = choose(factories.make_user(username="remi"), "dark", person)

    with pytest.raises(NotUndone, match="remi"):
        undo(act=act, by=person)


def test_too_late_is_too_late(person: User) -> None:
    act = choose(person, "dark", until=timezone.now())

    with pytest.raises(NotUndone):
        undo(act=act, by=person)
    assert last_done(person) is None


def test_nothing_is_undone_twice(person: User) -> None:
    act = choose(person, "dark")
    undo(act=act, by=person)

    with pytest.raises(NotUndone):
        undo(act=act, by=person)


def test_verb_without_a_way_back_is_final(person: User) -> None:
    with pytest.raises(NotUndone):
        undo(act=choose(person, "dark", verb="say"), by=person)


def test_acts_stay_when_their_person_goes(person: User) -> None:
    act = choose(person, "dark")
    name = person.username

    person.delete()

    act.refresh_from_db()
    assert (act.user, act.name) == (None, name)
