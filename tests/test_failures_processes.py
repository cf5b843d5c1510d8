"""Processes are killed under load, each and all at once: every confirmed verdict is there, and so is its photo."""

import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg2
import pytest
import requests
from django.conf import settings

from tests import factories
from tests.ports import free_port

pytestmark = pytest.mark.slow

START_S = 300
SENDERS = 4
JUDGED = 5
"""Verdicts between one blow and the next."""
VICTIMS = ("database", "web", "web process", "worker", "everything")
BLOWS = 20


class Site:
    """Classifr on an embedded database and files of its own."""

    def __init__(self, var: Path) -> None:
        self.var = var
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        self.environment = {
            **os.environ,
            "DATABASE_URL": "",
            "CLASSIFR_VAR": str(var),
            "CLASSIFR_PORT": str(port),
            "CLASSIFR_CLIENT_PASSWORD": "client-s3cret",
        }
        var.mkdir()
        self.log = var / "run.log"
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = psutil.Popen(
                [sys.executable, "manage.py", "run"],
                cwd=settings.BASE_DIR,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self.answers, seconds=START_S)

    def kill(self, victim: str) -> None:
        """Kill that, and wait until the site answers again; what was killed with everything is started by hand."""
        everything = [self.process, *self.process.children(recursive=True), self.database()]
        for process in everything if victim == "everything" else [self._find(victim)]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        if victim == "everything":
            psutil.wait_procs(everything, timeout=20)
            self.start()
        wait_until(self.answers)

    def _find(self, victim: str) -> psutil.Process:
        if victim == "database":
            return self.database()
        found: list[psutil.Process] = []

        def is_there() -> bool:  # the last one's orphans may answer while the next is still being started
            programs = [
                each for each in self.process.children() if ("worker" in each.cmdline()) is (victim == "worker")
            ]
            found[:] = [each for one in programs for each in one.children()] if victim == "web process" else programs
            return bool(found)

        wait_until(is_there)
        return found[0]

    def answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return requests.get(f"{self.address}/healthz", timeout=5).ok
        except requests.RequestException:
            return False

    def database(self) -> psutil.Process:
        return psutil.Process(int(self._postmaster()[0]))

    def rows(self, query: str) -> list[tuple[object, ...]]:
        connection = psycopg2.connect(host=self._postmaster()[4], user="postgres", dbname="classifr")
        try:
            cursor = connection.cursor()
            cursor.execute(query)
            return list(cursor.fetchall())
        finally:
            connection.close()

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(60)

    def _postmaster(self) -> list[str]:
        return (self.var / "postgres" / "postmaster.pid").read_text().splitlines()


class Sender(threading.Thread):
    """A client who sends photos and says NOK to each, whatever the site answers."""

    def __init__(self, site: Site, ending: threading.Event) -> None:
        super().__init__()
        self.site, self.ending = site, ending
        self.confirmed: list[int] = []
        """Predictions whose NOK was answered with the way to its confirmation."""
        self.browser = requests.Session()
        self._post("/accounts/login/", {"username": "client", "password": "client-s3cret"})
        project = re.search('name="project" value="([0-9]+)"', self.browser.get(site.address).text)
        assert project
        self.project = project[1]

    def run(self) -> None:
        while not self.ending.is_set():
            try:
                self._send_and_judge()
            except requests.RequestException:
                time.sleep(0.05)

    def _send_and_judge(self) -> None:
        photo = {"photo": ("p.jpg", factories.make_photo(), "image/jpeg")}
        sent = self._post("/", {"project": self.project}, files=photo)
        prediction = re.fullmatch(f"{self.site.address}/predictions/([0-9]+)/", sent.url)
        if prediction:
            judged = self._post(f"/predictions/{prediction[1]}/verdict/", {"verdict": "NOK"}, allow_redirects=False)
            if judged.headers.get("Location") == f"/predictions/{prediction[1]}/verdict/given/":
                self.confirmed.append(int(prediction[1]))

    def _post(self, path: str, fields: dict[str, str], **options: object) -> requests.Response:
        if "csrftoken" not in self.browser.cookies:
            self.browser.get(f"{self.site.address}/accounts/login/")
        headers = {"X-CSRFToken": self.browser.cookies["csrftoken"]}
        address = self.site.address + path
        return self.browser.post(address, fields, headers=headers, timeout=30, **options)  # type: ignore[arg-type]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path / "var")
    yield site
    site.stop()


def wait_until(is_true: Callable[[], bool], *, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_confirmed_verdicts_and_their_photos_outlive_every_process(site: Site) -> None:
    kill_under_load(site, [VICTIMS[number % len(VICTIMS)] for number in range(BLOWS)])


def kill_under_load(site: Site, victims: Sequence[str]) -> None:
    ending = threading.Event()
    senders = [Sender(site, ending) for _ in range(SENDERS)]

    def confirmed() -> list[int]:
        return [pk for sender in senders for pk in sender.confirmed]

    for sender in senders:
        sender.start()
    try:
        for victim in [*victims, ""]:
            before = len(confirmed())
            wait_until(lambda enough=before + JUDGED: len(confirmed()) >= enough)  # type: ignore[misc]
            if victim:
                site.kill(victim)
    finally:
        ending.set()
        for sender in senders:
            sender.join()

    query = (
        "SELECT v.prediction_id, p.blob_key, p.byte_size, octet_length(w.content) FROM feedback_verdict v"
        " LEFT JOIN feedback_misprediction m ON m.verdict_id = v.id LEFT JOIN catalog_picture p ON p.id = m.picture_id"
        " LEFT JOIN catalog_waitingblob w ON w.picture_id = p.id"
    )
    found = {prediction: photo for prediction, *photo in site.rows(query)}
    assert [pk for pk in confirmed() if pk not in found] == []
    kept = [photo for photo in found.values() if photo[0] is not None]
    assert len(kept) >= len(victims) * JUDGED
    for key, byte_size, waiting in kept:
        stored = site.var / "blobs" / str(key)
        assert waiting == byte_size or stored.stat().st_size == byte_size
    # A crash empties the unlogged table: a photo between its prediction and its verdict is gone, and that is said.
    unkept = [pk for pk in confirmed() if found[pk][0] is None]
    crashes = sum(victim in {"database", "everything"} for victim in victims)
    assert len(unkept) <= crashes * SENDERS
    for pk in unkept:
        page = f"{site.address}/predictions/{pk}/verdict/given/"
        assert "La photo n’est pas conservée" in senders[0].browser.get(page).text
