"""The reviewers' page: the list, its filters, one photo whole, and deletion."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from feedback.models import Misprediction
from feedback.views.answers import PAGE_SIZE
from tests import factories

SignIn = Callable[[User], Client]

LIST = "/mispredictions/"


@pytest.fixture
def site(signed_in: SignIn, reviewer: User) -> Client:
    return signed_in(reviewer)


def listed(site: Client, **filters: str) -> list[int]:
    return [each.pk for each in site.get(LIST, filters).context["page"].rows]


def test_stranger_is_sent_to_sign_in(client: Client, db: None) -> None:
    assert client.get(LIST).headers["Location"].startswith(reverse("accounts:login"))


def test_newest_come_first(site: Client) -> None:
    rows = [factories.make_misprediction().pk for _ in range(3)]

    assert listed(site) == rows[::-1]


def test_pages_follow_by_key(site: Client) -> None:
    picture, user = factories.make_picture(), factories.make_user()
    rows = [factories.make_misprediction(picture=picture, user=user).pk for _ in range(PAGE_SIZE + 3)]

    first = site.get(LIST)
    second = site.get(LIST + first.context["page"].next_url)

    assert [each.pk for each in first.context["page"].rows] == rows[:2:-1]
    assert [each.pk for each in second.context["page"].rows] == rows[2::-1]
    assert second.context["page"].next_url == ""


def test_number_of_queries_does_not_grow(site: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    counts = []
    for _ in range(2):
        for _ in range(4):
            factories.make_misprediction()
        with django_assert_num_queries(16) as queries:
            site.get(LIST)
        counts.append(len(queries))

    assert counts[0] == counts[1]


@pytest.mark.parametrize("field", ["tag", "user", "iteration"])
def test_each_filter_lets_its_own_through(site: Client, field: str) -> None:
    column = {"tag": "tag", "user": "username", "iteration": "iteration_name"}[field]
    wanted = factories.make_misprediction(**{column: "risotto"})
    factories.make_misprediction()

    assert listed(site, **{field: "risotto"}) == [wanted.pk]


def test_days_are_whole_and_of_the_sites_time_zone(site: Client) -> None:
    midnight = timezone.make_aware(datetime(2026, 3, 12))  # noqa: DTZ001  # the site's own
    rows = [factories.make_misprediction().pk for _ in range(3)]
    for pk, moment in zip(rows, [midnight - timedelta(seconds=1), midnight, midnight + timedelta(days=1)], strict=True):
        Misprediction.objects.filter(pk=pk).update(created_at=moment)

    assert listed(site, since="2026-03-12", until="2026-03-12") == [rows[1]]


def test_nonsense_in_the_address_filters_nothing(site: Client) -> None:
    row = factories.make_misprediction()

    assert listed(site, tag="no such tag", since="yesterday", before="x") == [row.pk]


def test_one_photo_is_shown_whole(site: Client) -> None:
    row = factories.make_misprediction(comment="<script>alert(1)</script>", suggested_tag="risotto")

    page = site.get(reverse("feedback:misprediction", args=[row.pk])).content.decode()

    assert reverse("feedback:misprediction_photo", args=[row.pk]) in page
    assert "risotto" in page
    assert "<script>alert" not in page


def test_other_is_said_in_the_readers_language(site: Client, reviewer: User) -> None:
    factories.make_misprediction(suggestion="none")
    reviewer.language = "en"
    reviewer.save()

    assert "None of these tags" in site.get(LIST).content.decode()


def test_deletion_takes_photos_off_the_list_at_once(site: Client) -> None:
    gone = [factories.make_misprediction() for _ in range(2)]
    stays = factories.make_misprediction()

    site.post(reverse("feedback:act"), {"act": "delete", "ids": [each.pk for each in gone]})

    assert listed(site) == [stays.pk]


def test_deletion_can_be_undone_from_its_message(site: Client) -> None:
    rows = [factories.make_misprediction().pk for _ in range(2)]

    page = site.post(reverse("feedback:act"), {"act": "delete", "ids": rows}, follow=True).content.decode()
    [undo] = re.findall(r'class="said-undo" method="post" action="([^"]+)"', page)
    site.post(undo, {"next": LIST})

    assert listed(site) == rows[::-1]


def names(column: str, **options: Any) -> list[str]:
    return Misprediction.objects.names(column, state=Misprediction.State.OPEN, **options)


def test_names_are_those_of_the_rows_outside_the_bin(site: Client) -> None:
    prediction = factories.make_prediction()
    projects = [prediction.project_id]
    for tag in ("pizza", "risotto", "pizza", "cannoli", "gnocchi"):
        factories.make_misprediction(tag=tag, prediction=factories.make_prediction(project=prediction.project))
    factories.make_misprediction(tag="of another project")
    site.post(reverse("feedback:act"), {"act": "delete", "ids": [Misprediction.objects.get(tag="cannoli").pk]})

    assert names("tag", projects=projects) == ["gnocchi", "pizza", "risotto"]
    assert names("tag", projects=projects, limit=2) == ["gnocchi", "pizza"]


def test_names_of_nothing_are_none(db: None) -> None:
    assert names("username", projects=[1]) == []


def test_filters_offer_tags_iterations_and_users(site: Client) -> None:
    factories.make_misprediction(tag="risotto", iteration_name="Iteration 7", username="claire")

    filters = site.get(LIST).context["filters"]

    assert ("risotto", "risotto") in filters.fields["tag"].choices
    assert ("Iteration 7", "Iteration 7") in filters.fields["iteration"].choices
    assert filters.users == ["claire"]


def test_filters_are_combined(site: Client) -> None:
    wanted = factories.make_misprediction(tag="risotto", username="claire")
    factories.make_misprediction(tag="risotto")
    factories.make_misprediction(username="claire")

    assert listed(site, tag="risotto", user="claire") == [wanted.pk]


@pytest.mark.parametrize(("name", "act"), [("act", "delete"), ("act", "restore"), ("act", "accept"), ("erase", "")])
@pytest.mark.parametrize("ids", [[], ["x"], ["9" * 30], ["123456"]])
def test_choosing_nothing_is_said(site: Client, ids: list[str], name: str, act: str) -> None:
    answer = site.post(reverse(f"feedback:{name}"), {"act": act, "ids": ids, "confirmed": "1"}, follow=True)

    assert len(list(answer.context["messages"])) == 1


def test_empty_list_says_why(site: Client, settings: Settings) -> None:
    assert site.get(LIST).context["filters"].is_filtered is False
    assert site.get(LIST, {"user": "nobody"}).context["filters"].is_filtered is True
