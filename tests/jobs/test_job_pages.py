"""The tray and the page of jobs."""

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from jobs.display import shown
from jobs.models import Job
from jobs.services import queue_job
from jobs.views import PAGE_SIZE
from tests import factories

SignIn = Callable[[User], Client]

TRAY = "/jobs/tray"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def site(signed_in: SignIn, developer: User) -> Client:
    return signed_in(developer)


def make_job(**fields: Any) -> Job:
    return Job.objects.create(**{"kind": "embed", "msgid": "Prepare the images", **fields})


def make_running(**fields: Any) -> Job:
    values = {"state": "running", "run": "12345678-1234-5678-1234-567812345678", "started_at": timezone.now()}
    return make_job(**{**values, **fields})


def make_ended(**fields: Any) -> Job:
    return make_job(**{"state": "done", "finished_at": timezone.now(), **fields})


def test_tray_has_what_is_under_way_and_ones_own_of_the_last_hour(site: Client, developer: User) -> None:
    waiting, running = make_job(), make_running()
    ended = make_ended(user=developer, state="failed", error="The disk is full.")
    make_ended(user=factories.make_user())
    make_ended(user=developer, finished_at=timezone.now() - timedelta(hours=2))

    answer = site.get(TRAY, headers=HTMX)

    assert [row.job for row in answer.context["unfinished"]] == [running, waiting]
    assert [row.job for row in answer.context["ended"]] == [ended]
    assert "The disk is full." in answer.content.decode()


@pytest.mark.parametrize(("has_job", "seconds"), [(True, "every 2s"), (False, "every 15s")])
def test_tray_is_polled_as_often_as_there_is_something_to_see(site: Client, has_job: bool, seconds: str) -> None:
    if has_job:
        make_job()

    assert seconds in site.get(TRAY, headers=HTMX).content.decode()


def test_poll_costs_five_queries(
    site: Client, developer: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        make_running()
        make_ended(user=developer)

    with django_assert_num_queries(5):
        site.get(TRAY, {"since": "1"}, headers=HTMX)


def test_what_has_ended_since_the_last_poll_is_said_once(site: Client, developer: User) -> None:
    make_ended(user=developer, msgid="Train Food")

    first = site.get(TRAY, {"since": "1"}, headers=HTMX)
    second = site.get(TRAY, {"since": str(first.context["now"] + 1)}, headers=HTMX)

    assert "tray-said" in first.content.decode()
    assert "tray-said" not in second.content.decode()


@pytest.mark.parametrize("since", ["x", "", "9" * 40])
def test_nonsense_since_is_no_time(site: Client, developer: User, since: str) -> None:
    make_ended(user=developer)

    assert site.get(TRAY, {"since": since}, headers=HTMX).context["news"] == []


def test_tray_is_a_page_of_its_own_without_javascript(site: Client) -> None:
    make_job(msgid="Train Food")

    page = site.get(TRAY).content.decode()

    assert "<html" in page
    assert "Train Food" in page


def test_title_is_in_the_language_of_who_reads_it(site: Client, developer: User) -> None:
    with translation.override("en"):
        queue_job("count", title="Prepare the images of %(project)s", values={"project": "100 % Food"}, arguments={})
    make_job(msgid="Prepare the images of 100 % Flowers")  # from before there were values

    french, english = (site.get(TRAY, headers={"accept-language": code}).content.decode() for code in ("fr", "en"))

    assert "Préparer les images de 100 % Food" in french
    assert "Prepare the images of 100 % Food" in english
    assert "Prepare the images of 100 % Flowers" in french


def test_running_job_says_its_pace() -> None:
    now = timezone.now()
    job = Job(state="running", started_at=now - timedelta(seconds=10), done=100, total=2000)

    row = shown(job, now=now)

    assert row.rate.startswith("10")
    assert row.time_left.startswith("3")


@pytest.mark.parametrize(("total", "left"), [(200, "10"), (20_000, "33"), (2_000_000, "56")])
def test_time_left_is_rough(total: int, left: str) -> None:
    now = timezone.now()
    job = Job(state="running", started_at=now - timedelta(seconds=10), done=100, total=total)

    assert shown(job, now=now).time_left.startswith(left)


def test_jobs_follow_by_key(site: Client) -> None:
    made = [make_job().pk for _ in range(PAGE_SIZE + 2)]

    first = site.get(reverse("jobs:jobs"))
    second = site.get(reverse("jobs:jobs") + first.context["page"].next_url)

    assert [row.job.pk for row in first.context["rows"]] == made[:1:-1]
    assert [row.job.pk for row in second.context["rows"]] == made[1::-1]


def test_number_of_queries_does_not_grow(
    site: Client, developer: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(2):
        make_ended(user=developer)
        with django_assert_num_queries(5):
            site.get(reverse("jobs:jobs"))


def test_empty_list_says_why(site: Client) -> None:
    assert not site.get(reverse("jobs:jobs")).context["rows"]


def test_waiting_job_is_cancelled_at_once(site: Client) -> None:
    job = make_job()

    answer = site.post(reverse("jobs:cancel", args=[job.pk]), follow=True)

    job.refresh_from_db()
    assert job.state == "cancelled"
    assert len(list(answer.context["messages"])) == 1


def test_running_job_is_asked_to_stop(site: Client) -> None:
    job = make_running()

    answer = site.post(reverse("jobs:cancel", args=[job.pk]), headers=HTMX)

    job.refresh_from_db()
    assert job.cancel_requested
    assert "jobs-changed" in answer.headers["HX-Trigger"]


def test_cancelling_leads_back_to_where_one_was(site: Client) -> None:
    answer = site.post(reverse("jobs:cancel", args=[make_job().pk]), {"next": "/projects/"})

    assert answer.headers["Location"] == "/projects/"


def test_job_that_has_ended_is_left_alone(site: Client) -> None:
    job = make_ended()

    site.post(reverse("jobs:cancel", args=[job.pk]))

    job.refresh_from_db()
    assert job.state == "done"


def test_unknown_job_is_not_found(site: Client) -> None:
    assert site.post(reverse("jobs:cancel", args=[10**9])).status_code == HTTPStatus.NOT_FOUND
