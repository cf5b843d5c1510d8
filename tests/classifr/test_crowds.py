"""Crowds of strangers: behind nginx a client goes on, without it the site is back once they have gone."""

import resource
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests

from tests import factories
from tests.classifr.front import fronted
from tests.classifr.serving import PASSWORD, Served, served
from tests.classifr.wire import GET, posting, read_until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("front")]

IDLE = 2300
UPLOADING = 24
NETWORKS = 50
PHOTOS = 20
BACK_WITHIN_S = 60


@pytest.fixture(autouse=True)
def many_files() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def prepared(folder: Path, **environment: str) -> Served:
    site = Served(folder / "var", folder / "log", CLASSIFR_REVIEWER_PASSWORD=PASSWORD, **environment)
    site.prepare()
    return site


@contextmanager
def idle(site: Served, count: int) -> Iterator[None]:
    """Connections that say nothing."""
    with ExitStack() as stack:
        for number in range(count):
            stack.enter_context(site.connect(f"127.0.1.{number % NETWORKS}"))
        yield


@contextmanager
def uploading(site: Served) -> Iterator[None]:
    """Strangers who send photos, each from a network of their own and again a second after they were refused."""
    done = threading.Event()

    def send(source: str) -> None:
        while not done.is_set():
            try:
                with site.connect(source) as client:
                    client.sendall(posting(4_000_000, path="/"))
                    client.sendall(bytes(4_000_000))
                    read_until(client, b"\r\n\r\n")
            except (OSError, AssertionError):
                pass  # sent away
            done.wait(1)

    threads = [threading.Thread(target=send, args=[f"127.0.2.{number}"]) for number in range(UPLOADING)]
    for thread in threads:
        thread.start()
    yield
    done.set()
    for thread in threads:
        thread.join()


def slow_ones(site: Served, session: requests.Session) -> float:
    """Return how long the slowest of twenty photos but one takes, in seconds."""
    seconds = []
    for seed in range(PHOTOS):
        started = time.monotonic()
        assert "/predictions/" in site.send_photo(session, factories.make_photo(seed=seed)).url
        seconds.append(time.monotonic() - started)
    return statistics.quantiles(seconds, n=20)[-1]


def test_client_goes_on_behind_the_proxy(tmp_path: Path) -> None:
    environment = {"CLASSIFR_HTTPS": "true", "CLASSIFR_PROXIES": "1"}
    prepared(tmp_path, **environment)
    with served(tmp_path / "var", tmp_path / "log", **environment) as site, fronted(site, tmp_path) as front:
        session = front.sign_in()
        usual = slow_ones(front, session)
        with idle(front, IDLE):
            among_idle = min(slow_ones(front, session), slow_ones(front, session))  # the machine's own moments aside
        with uploading(front):
            among_uploads = min(slow_ones(front, session), slow_ones(front, session))

    assert max(among_idle, among_uploads) <= 3 * usual


def test_site_without_a_proxy_is_back_once_they_have_gone(tmp_path: Path) -> None:
    prepared(tmp_path)
    with served(tmp_path / "var", tmp_path / "log") as site:
        with idle(site, IDLE), uploading(site):
            time.sleep(3)
        gone = time.monotonic()
        while time.monotonic() < gone + BACK_WITHIN_S:
            try:
                with site.connect() as client:
                    client.settimeout(5)
                    client.sendall(GET)
                    assert read_until(client, b"\r\n\r\nok")
                break
            except (OSError, AssertionError):
                time.sleep(0.5)
        else:
            pytest.fail(f"not back after {BACK_WITHIN_S} s")

        assert "/predictions/" in site.send_photo(site.sign_in(), factories.make_photo()).url
