"""Moments are shown where their reader is, as the browser has told it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.keys import create_key
from accounts.models import ApiKey, User
from feedback.models import Misprediction
from tests import factories

pytestmark = pytest.mark.django_db

MOMENT = datetime(2026, 3, 12, 22, 30, tzinfo=UTC)
REVIEW = reverse("feedback:mispredictions")


@pytest.fixture
def reviewer() -> User:
    return factories.make_reviewer(language="fr")


@pytest.fixture
def row() -> Misprediction:
    row = factories.make_misprediction()
    Misprediction.objects.update(created_at=MOMENT)
    return row


def browser_in(zone: str | None, user: User) -> Client:
    client = Client()
    client.force_login(user)
    if zone is not None:
        client.cookies["timezone"] = zone
    return client


def ask(zone: str | None, user: User, **query: str) -> str:
    page: Any = browser_in(zone, user).get(REVIEW, query)
    return str(page.content.decode())


@pytest.mark.parametrize(
    ("zone", "datetime_", "shown"),
    [
        ("America/New_York", "2026-03-12T18:30:00-04:00", "12/03/2026 18:30"),
        ("Asia/Tokyo", "2026-03-13T07:30:00+09:00", "13/03/2026 07:30"),
        ("Asia/Kathmandu", "2026-03-13T04:15:00+05:45", "13/03/2026 04:15"),
        ("UTC", "2026-03-12T22:30:00+00:00", "12/03/2026 22:30"),
    ],
)
def test_moments_are_shown_where_the_reader_is(
    reviewer: User, row: Misprediction, zone: str, datetime_: str, shown: str
) -> None:
    assert f'<time datetime="{datetime_}">{shown}</time>' in ask(zone, reviewer)


@pytest.mark.parametrize(
    "told",
    [None, "", "Paris", "Europe/Atlantis", "../../etc/passwd", "/etc/localtime", "europe/paris", "x" * 3000, "é"],
)
def test_nonsense_is_the_time_zone_of_the_site(reviewer: User, row: Misprediction, told: str | None) -> None:
    assert "12/03/2026 23:30" in ask(told, reviewer)


def test_readers_do_not_see_each_others(reviewer: User, row: Misprediction) -> None:
    pages = [ask(zone, reviewer) for zone in ("Asia/Tokyo", None, "America/New_York")]

    assert [page.count("<time") for page in pages] == [1, 1, 1]
    assert ["13/03/2026 07:30" in pages[0], "12/03/2026 23:30" in pages[1], "12/03/2026 18:30" in pages[2]] == [
        True
    ] * 3
    assert timezone.get_current_timezone_name() == "Europe/Paris"


def test_days_of_a_filter_are_those_of_the_reader(reviewer: User, row: Misprediction) -> None:
    day = {"since": "2026-03-13", "until": "2026-03-13"}
    place = reverse("feedback:misprediction", args=[row.pk])

    assert place in ask("Asia/Tokyo", reviewer, **day)
    assert place not in ask("America/New_York", reviewer, **day)


def test_last_day_of_a_key_ends_where_its_maker_is() -> None:
    maker = browser_in("Asia/Tokyo", factories.make_developer())

    maker.post(reverse("customvision:key_new"), {"name": "camera", "scope": "all", "expires_on": "2030-01-01"})

    assert ApiKey.objects.get().expires_at == datetime(2030, 1, 1, 15, tzinfo=UTC)


def test_programs_get_the_same_moments_whatever_the_browser_tells() -> None:
    project = factories.make_project()
    _key, text = create_key(name="camera", scope=ApiKey.Scope.ALL, by=None)
    address = f"/customvision/v3.3/training/projects/{project.uid}"
    plain, told = Client(headers={"Training-Key": text}), Client(headers={"Training-Key": text})
    told.cookies["timezone"] = "Asia/Tokyo"

    created = [client.get(address).json()["created"] for client in (plain, told)]

    assert created[0] == created[1]
    assert datetime.fromisoformat(created[0]).utcoffset() == timedelta(0)
