"""What is too big or too often is refused before it is read."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeAlias

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models import F
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import URLResolver, get_resolver, reverse
from pytest_django import Settings

from accounts.checks import proxy_is_counted
from accounts.models import RequestCount, User
from accounts.tasks import forget_request_counts
from tests import factories
from tests.limits import body_limit_of
from tests.unread import send_unread
from web.addresses import client_address, network_of
from web.limits import count_requests
from web.takes import SMALL_BODY_BYTES, taken_by
from web.typing import View

Answer: TypeAlias = Any
SignIn = Callable[[User], Client]
MEBI = 1024 * 1024


def send(browser: Client, path: str = "/", **extra: Any) -> Answer:
    """Post a small form without its photo, which the view refuses with status 200."""
    return browser.post(path, {"project": "1"}, **extra)


# By whom


@pytest.mark.parametrize("path", ["/", "/projects/1/images/upload"])
@pytest.mark.parametrize("size", [100, 4 * MEBI, 999 * MEBI])
def test_stranger_is_sent_to_sign_in_unread(client: Client, db: None, path: str, size: int) -> None:
    page, part = send_unread(client, path, size), send_unread(client, path, size, HTTP_HX_REQUEST="true")

    assert (page.status_code, page.headers["Location"]) == (302, f"/accounts/login/?next={path}")
    assert (part.status_code, part.headers["HX-Redirect"]) == (401, "/accounts/login/?")


def test_stranger_is_sent_to_sign_in_however_a_body_comes(client: Client, db: None) -> None:
    assert send_unread(client, "/", 0, HTTP_TRANSFER_ENCODING="gzip, chunked").status_code == 302


def views(resolver: URLResolver) -> Iterator[View]:
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from views(each)
        else:
            yield each.callback


def test_much_is_taken_from_nobody_unknown() -> None:
    of_much = [takes for takes in map(taken_by, views(get_resolver())) if takes.body_bytes > SMALL_BODY_BYTES]

    assert len(of_much) > 20
    assert all(takes.admits for takes in of_much)


# How often


def test_user_is_told_when_to_come_again(signed_in: SignIn, person: User, settings: Settings) -> None:
    settings.CLASSIFR_PHOTOS_PER_MINUTE = 2
    browser = signed_in(person)
    assert [send(browser).status_code for _ in range(2)] == [200, 200]

    answer = send_unread(browser, "/", 100)

    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert b"<h1>Too many photos</h1>" in answer.content
    assert b'<a class="btn btn-primary" href="/"' in answer.content


def test_htmx_gets_the_sentence_alone(signed_in: SignIn, person: User, settings: Settings) -> None:
    settings.CLASSIFR_PHOTOS_PER_MINUTE = 1
    browser = signed_in(person)
    send(browser)

    answer = send(browser, headers={"HX-Request": "true", "accept-language": "en"})

    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.content.startswith(b"Too many photos in a short time. Try again in ")


def test_minute_that_is_over_is_forgotten(signed_in: SignIn, person: User, settings: Settings) -> None:
    settings.CLASSIFR_PHOTOS_PER_MINUTE = 1
    browser = signed_in(person)
    assert [send(browser).status_code for _ in range(2)] == [200, 429]

    RequestCount.objects.update(ends_at=F("ends_at") - timedelta(seconds=60))

    assert send(browser).status_code == 200


def test_minute_does_not_last_longer_when_the_clock_goes_back(db: None) -> None:
    count_requests(["somebody"])
    RequestCount.objects.update(ends_at=F("ends_at") + timedelta(days=400))

    [(count, seconds_left)] = count_requests(["somebody"])

    assert count == 2
    assert 59 < seconds_left <= 60


def test_users_are_counted_each_by_themselves(signed_in: SignIn, settings: Settings, db: None) -> None:
    settings.CLASSIFR_PHOTOS_PER_MINUTE = 1

    answers = [send(signed_in(factories.make_user())) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]


@pytest.mark.parametrize(("proxies", "last"), [(0, 429), (1, 200)])
def test_address_is_counted_over_its_users(
    signed_in: SignIn, settings: Settings, db: None, proxies: int, last: int
) -> None:
    """What the client writes of its address counts for nothing, what the proxy writes does."""
    settings.CLASSIFR_PROXIES = proxies
    settings.CLASSIFR_PHOTOS_PER_MINUTE_AND_ADDRESS = 2
    addresses = ["1.1.1.1", "1.1.1.1", "1.1.1.2"]

    answers = [
        send(signed_in(factories.make_user()), headers={"X-Forwarded-For": f"9.9.9.9, {address}"})
        for address in addresses
    ]

    assert [answer.status_code for answer in answers] == [200, 200, last]


def test_zero_is_no_limit(signed_in: SignIn, person: User, settings: Settings) -> None:
    settings.CLASSIFR_PHOTOS_PER_MINUTE = settings.CLASSIFR_PHOTOS_PER_MINUTE_AND_ADDRESS = 0

    send(signed_in(person))

    assert not RequestCount.objects.exists()


def test_looking_at_the_page_is_not_counted(signed_in: SignIn, person: User) -> None:
    signed_in(person).get("/")

    assert not RequestCount.objects.exists()


def test_batches_of_images_may_be_ten_times_as_many(signed_in: SignIn, settings: Settings, db: None) -> None:
    settings.CLASSIFR_PHOTOS_PER_MINUTE = 1
    browser = signed_in(factories.make_developer())
    path = reverse("training:images_upload", args=[factories.make_project().pk])

    statuses = [send(browser, path, headers={"Accept": "application/json"}).status_code for _ in range(11)]

    assert statuses == [400] * 10 + [429]


def test_who_counts_at_the_same_time_is_counted_once_each(transactional_db: None) -> None:
    def count(_: int) -> int:
        try:
            return count_requests(["a", "b"])[1][0]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        counted = list(threads.map(count, range(80)))

    assert sorted(counted) == list(range(1, 81))


def test_counts_are_deleted_when_their_minute_is_over(db: None) -> None:
    count_requests(["old"])
    RequestCount.objects.update(ends_at=F("ends_at") - timedelta(seconds=61))
    count_requests(["new"])

    assert forget_request_counts.func() == 1
    assert RequestCount.objects.get().key == "new"


def test_counts_from_a_time_to_come_are_deleted(db: None) -> None:
    count_requests(["somebody"])
    RequestCount.objects.update(ends_at=F("ends_at") + timedelta(days=400))

    assert forget_request_counts.func() == 1


# How big


@pytest.mark.parametrize(
    ("path", "mebibytes"), [("/", 4.5), ("/projects/1/images/upload", 384.5), ("/accounts/login/", 1)]
)
def test_views_take_what_they_need(path: str, mebibytes: float) -> None:
    assert body_limit_of(path) == mebibytes * MEBI


@pytest.mark.parametrize(
    ("path", "length", "limit"),
    [("/", 5 * MEBI, 4), ("/projects/1/images/upload", 400 * MEBI, 384), ("/accounts/login/", 2 * MEBI, 1)],
)
def test_what_is_too_big_is_refused_unread(signed_in: SignIn, db: None, path: str, length: int, limit: int) -> None:
    browser = signed_in(factories.make_developer())

    page = send_unread(browser, path, length)
    sentence = send_unread(browser, path, length, HTTP_HX_REQUEST="true")

    assert [page.status_code, sentence.status_code] == [413, 413]
    assert f"weighs {length / MEBI:.1f} MB; the limit is {limit}.0 MB".encode() in page.content
    assert sentence.content.startswith(b"What you sent weighs ")


def test_script_gets_its_refusal_in_json(signed_in: SignIn, db: None) -> None:
    browser = signed_in(factories.make_developer())

    answer = send_unread(browser, "/projects/1/images/upload", 400 * MEBI, HTTP_ACCEPT="application/json")

    assert "limit" in answer.json()["error"]


def test_body_without_a_length_is_refused_unread(client: Client) -> None:
    answer = send_unread(client, "/accounts/login/", 0, HTTP_TRANSFER_ENCODING="chunked")

    assert answer.status_code == 411
    assert b"Content-Length" in answer.content


@pytest.mark.parametrize(
    ("data", "status", "sentence"),
    [
        ({"f": [SimpleUploadedFile(f"{i}.jpg", b"x") for i in range(101)]}, 400, b"Too many files at once"),
        ({"f": ["x"] * 1001}, 400, b"choose fewer"),
        ({"f": "x" * 300_000}, 413, b"too long"),
    ],
    ids=["files", "fields", "text"],
)
def test_form_with_too_much_in_it_gets_a_sentence(db: None, data: dict[str, Any], status: int, sentence: bytes) -> None:
    browser = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
    browser.get("/accounts/login/")

    answer = browser.post("/accounts/login/", data)

    assert answer.status_code == status
    assert sentence in answer.content


# From where


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "1.1.1.1", "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, "1.1.1.1", "1.1.1.1"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 10.0.0.1", "1.1.1.1"),
        (2, "1.1.1.1", "127.0.0.1"),
        (1, "nonsense\nlevel=ERROR", "127.0.0.1"),
        (1, "1.1.1.1:5000", "1.1.1.1"),
        (1, "[2001:db8::1]:5000", "2001:db8::1"),
        (1, "2001:db8::1", "2001:db8::1"),
    ],
)
def test_address_is_what_the_last_trusted_proxy_saw(
    rf: RequestFactory, settings: Settings, proxies: int, forwarded: str, address: str
) -> None:
    settings.CLASSIFR_PROXIES = proxies
    request: HttpRequest = rf.get("/", headers={"X-Forwarded-For": forwarded})

    assert client_address(request) == address


@pytest.mark.parametrize(
    ("address", "network"),
    [("1.2.3.4", "1.2.3.4"), ("2001:db8::1:2", "2001:db8::/64"), ("::ffff:1.2.3.4", "::ffff:1.2.3.4"), ("", "")],
)
def test_household_of_ipv6_is_one_client(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(("https", "proxies", "ids"), [(True, 0, ["accounts.W001"]), (True, 1, []), (False, 0, [])])
def test_proxy_that_is_not_counted_is_a_warning(settings: Settings, https: bool, proxies: int, ids: list[str]) -> None:
    settings.CLASSIFR_HTTPS, settings.CLASSIFR_PROXIES = https, proxies

    assert [message.id for message in proxy_is_counted()] == ids


# Locking out


@pytest.mark.parametrize(
    ("username", "address", "status"), [("anne", "1.1.1.1", 429), ("anne", "1.1.2.1", 429), ("bert", "1.1.1.1", 302)]
)
def test_lock_is_for_one_name_from_everywhere_behind_a_proxy(
    client: Client, db: None, settings: Settings, username: str, address: str, status: int
) -> None:
    settings.CLASSIFR_PROXIES = 1
    for name in ("anne", "bert"):
        factories.make_user(username=name, password="right-password")
    for spoofed in range(10):
        forwarded = {"X-Forwarded-For": f"6.6.6.{spoofed}, 1.1.1.1"}
        client.post(reverse("accounts:login"), {"username": "anne", "password": "wrong"}, headers=forwarded)

    fields = {"username": username, "password": "right-password"}
    answer = client.post(reverse("accounts:login"), fields, headers={"X-Forwarded-For": address})

    assert answer.status_code == status


def test_spoofed_addresses_do_not_get_round_the_lock(client: Client, db: None) -> None:
    factories.make_user(username="anne", password="right-password")
    for spoofed in range(10):
        fields = {"username": "anne", "password": "wrong"}
        client.post(reverse("accounts:login"), fields, headers={"X-Forwarded-For": f"6.6.6.{spoofed}"})

    answer = client.post(reverse("accounts:login"), {"username": "anne", "password": "right-password"})

    assert answer.status_code == 429
