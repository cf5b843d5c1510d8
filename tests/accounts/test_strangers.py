"""Strangers who try passwords keep nobody from the pages, nor from signing in. A real site of two processes."""

import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.classifr.serving import PASSWORD, Served, served, token

pytestmark = pytest.mark.slow

STRANGERS = 60
LASTS_S = 30
ENOUGH_S = 0.3
"""Of the median of a page, and three times as much of nearly all."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("site")
    site = Served(folder / "var", folder / "log", WEB_CONCURRENCY="2", CLASSIFR_PROXIES="1")
    site.prepare()
    with served(folder / "var", folder / "log", WEB_CONCURRENCY="2", CLASSIFR_PROXIES="1") as running:
        yield running


def try_passwords(site: Served, number: int, over: threading.Event, answers: list[requests.Response]) -> None:
    """Send one wrong password after the other; half of the strangers have a network of their own, half share one."""
    headers = {"X-Forwarded-For": f"10.{number}.0.1" if number % 2 else f"10.0.0.{number}"}
    with requests.Session() as session:
        page = session.get(f"{site.address}/accounts/login/", headers=headers).text
        fields = {"username": f"stranger{number}", "password": "wrong", "csrfmiddlewaretoken": token(page)}
        while not over.is_set():
            answers.append(session.post(f"{site.address}/accounts/login/", fields, headers=headers))


def seconds_of_pages(session: requests.Session, address: str, over: threading.Event) -> list[float]:
    taken = []
    while not over.wait(0.1):
        answer = session.get(address)
        answer.raise_for_status()
        taken.append(answer.elapsed.total_seconds())
    return taken


def sign_in_twice(site: Served) -> list[int]:
    """Sign in as people do who are asked to come again: return the statuses."""
    statuses = []
    with requests.Session() as session:
        page = session.get(f"{site.address}/accounts/login/").text
        fields = {"username": "client", "password": PASSWORD, "csrfmiddlewaretoken": token(page)}
        for _ in range(2):
            answer = session.post(f"{site.address}/accounts/login/", fields, allow_redirects=False)
            statuses.append(answer.status_code)
            if answer.status_code == requests.codes.found:
                return statuses
            time.sleep(int(answer.headers["Retry-After"]))
    return statuses


def test_pages_and_people_get_through(site: Served) -> None:
    over, answers = threading.Event(), list[requests.Response]()
    reader = site.sign_in()
    with ThreadPoolExecutor(STRANGERS + 1) as pool:
        strangers = [pool.submit(try_passwords, site, number, over, answers) for number in range(STRANGERS)]
        pages = pool.submit(seconds_of_pages, reader, f"{site.address}/uploads/", over)
        try:
            time.sleep(LASTS_S)
            statuses = sign_in_twice(site)
        finally:
            over.set()
        for stranger in strangers:
            stranger.result()
        taken = pages.result()

    median, nearly_all = statistics.median(taken), statistics.quantiles(taken, n=20)[-1]
    refused = [answer for answer in answers if answer.status_code != requests.codes.ok]
    print(f"{len(taken)} pages: median {median:.3f} s, p95 {nearly_all:.3f} s")  # noqa: T201
    print(f"{len(answers)} attempts, {len(refused)} refused; the person: {statuses}")  # noqa: T201
    assert statuses[-1] == requests.codes.found
    assert {answer.status_code for answer in refused} == {requests.codes.too_many_requests}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    assert median < ENOUGH_S
    assert nearly_all < 3 * ENOUGH_S
