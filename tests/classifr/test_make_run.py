"""`make run` from a clean clone, driven over HTTP as a newcomer's browser would."""

import io
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import requests
from django.conf import settings
from django.core.management.base import CommandError
from pytest_django import Settings

import manage
from classifr.management.commands import run
from classifr.supervision import is_alive
from tests import factories
from tests.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("make run")]

START_S = 300
STOP_S = 30


class Running:
    """A clone whose `make run` answers."""

    def __init__(self, clone: Path, port: int) -> None:
        self.clone = clone
        self.address = f"http://127.0.0.1:{port}"
        self.log = clone / "run.log"
        self.requests = clone / "var" / "log" / "classifr.log"
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in {"CLASSIFR_VAR", "SECRET_KEY"}},
            "CLASSIFR_PORT": str(port),
            "CLASSIFR_CLIENT_PASSWORD": "client-s3cret",
        }
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["make", "run"], cwd=self.clone, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self._wait_until_it_answers()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                requests.get(f"{self.address}/healthz", timeout=2).raise_for_status()
            except requests.RequestException:
                time.sleep(0.2)
            else:
                return
        raise TimeoutError(self.log.read_text())

    def stop(self) -> None:
        """Press Ctrl-C: the whole foreground group hears of it."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
            self.process.wait(STOP_S)


def left_behind(clone: Path) -> list[str]:
    """Processes that still run on the clone's files."""
    return [
        " ".join(process.info["cmdline"])
        for process in psutil.process_iter(["cmdline", "cwd"])
        if any(str(clone) in text for text in (process.info["cwd"] or "", *(process.info["cmdline"] or [])))
    ]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean clone of HEAD; the environment of this checkout is lent to it, so that nothing is installed twice."""
    folder = tmp_path_factory.mktemp("newcomer") / "classifr"
    subprocess.run(["git", "clone", "--quiet", settings.BASE_DIR, folder], check=True)
    (folder / ".venv").symlink_to(settings.BASE_DIR / ".venv")
    return folder


@pytest.fixture(scope="module")
def running(clone: Path) -> Iterator[Running]:
    first = Running(clone, free_port())
    yield first
    first.stop()


def printed_passwords(running: Running) -> dict[str, str]:
    """Return what the box says with which the last start ended."""
    deadline = time.monotonic() + STOP_S
    while not (box := re.search(r"answers at [^+]*\+-+\+\n([^+]+)\+-+\+\n\Z", running.log.read_text())):
        assert time.monotonic() < deadline, running.log.read_text()
        time.sleep(0.1)
    return dict(re.findall(r"^\| (\S+) +([\w-]{16}) +\|$", box[1], flags=re.MULTILINE))


def token(page: str) -> str:
    found = re.search('name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found
    return found[1]


def sign_in(address: str, username: str, password: str) -> requests.Session:
    session = requests.Session()
    page = session.get(f"{address}/accounts/login/").text
    answer = session.post(
        f"{address}/accounts/login/",
        {"username": username, "password": password, "csrfmiddlewaretoken": token(page)},
    )
    assert 'name="photo"' in answer.text
    return session


def test_photo_travels_from_its_sender_to_the_reviewer(running: Running) -> None:
    """Also: the passwords are where a newcomer looks for them, until they were used, and a restart keeps everything."""
    first = printed_passwords(running)
    assert first.keys() == {"reviewer", "developer"}  # the client's is chosen by the environment
    file = running.clone / "var" / "first-passwords"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    sign_in(running.address, "developer", first["developer"])

    client = sign_in(running.address, "client", "client-s3cret")
    page = client.get(f"{running.address}/").text
    project = re.search('name="project" value="([0-9]+)"', page)
    assert project
    shown = client.post(
        f"{running.address}/",
        {"project": project[1], "csrfmiddlewaretoken": token(page)},
        files={"photo": ("p.jpg", factories.make_photo(), "image/jpeg")},
    )
    assert "Iteration 1" in shown.text
    client.post(f"{shown.url}verdict/", {"verdict": "NOK", "csrfmiddlewaretoken": token(shown.text)}).raise_for_status()

    running.stop()
    assert left_behind(running.clone) == []
    started = time.monotonic()
    running.start()
    assert time.monotonic() - started < 60
    assert printed_passwords(running) == {"reviewer": first["reviewer"]}

    reviewer = sign_in(running.address, "reviewer", first["reviewer"])
    assert not file.exists()
    review = reviewer.get(f"{running.address}/mispredictions/").text
    thumbnail = re.search("/mispredictions/[0-9]+/thumbnail", review)
    assert thumbnail
    assert reviewer.get(running.address + thumbnail[0]).headers["Content-Type"] == "image/jpeg"
    assert client.get(f"{running.address}/mispredictions/").status_code == 404
    assert "Answered" not in running.log.read_text()
    assert first["reviewer"] not in running.requests.read_text()
    assert "path=/mispredictions/" in running.requests.read_text()


@pytest.mark.parametrize(
    ("host", "proxies", "is_said"),
    [
        ("127.0.0.1", 0, False),
        ("::1", 0, False),
        ("localhost", 0, False),
        ("192.0.2.1", 0, True),
        ("192.0.2.1", 1, False),
    ],
)
def test_listening_elsewhere_without_a_proxy_is_said(
    settings: Settings, host: str, proxies: int, *, is_said: bool
) -> None:
    settings.CLASSIFR_HOST, settings.CLASSIFR_PROXIES = host, proxies
    said = io.StringIO()

    run.Command(stderr=said, no_color=True).warn_of_slow_clients()

    assert ("no proxy in front" in said.getvalue()) is is_said


def test_killed_worker_comes_back_and_the_site_answers_meanwhile(running: Running) -> None:
    [worker] = workers(running)

    worker.kill()
    deadline = time.monotonic() + START_S
    while not (found := workers(running)) or found == [worker]:
        assert time.monotonic() < deadline
        assert requests.get(f"{running.address}/healthz", timeout=10).ok
        time.sleep(0.1)

    assert len(found) == 1


def workers(running: Running) -> list[psutil.Process]:
    found = []
    for process in psutil.Process(running.process.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it ends meanwhile, or has just ended
            if is_alive(process) and process.cmdline()[-2:] == ["manage.py", "worker"]:
                found.append(process)
    return found


@pytest.mark.slow
def test_nothing_outlives_a_run_that_is_killed(running: Running) -> None:
    pid = int((running.clone / "var" / "run.lock").read_text().split()[0])

    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + STOP_S
    while left := left_behind(running.clone):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)

    running.process.wait(STOP_S)
    running.start()


def test_second_start_of_the_same_folder_is_refused(running: Running) -> None:
    second = subprocess.run(
        ["make", "run"], cwd=running.clone, env=running.environment, capture_output=True, text=True, timeout=START_S
    )

    first = (running.clone / "var" / "run.lock").read_text().split()[0]
    assert second.returncode != 0
    assert f"Classifr runs here already (process {first}, {running.address}/)." in second.stderr
    assert "Traceback" not in second.stderr


def test_lock_of_a_run_that_was_killed_is_free(tmp_path: Path) -> None:
    lock = tmp_path / "run.lock"
    code = "import fcntl, sys, time; file = open(sys.argv[1], 'a'); fcntl.flock(file, fcntl.LOCK_EX)"
    staying = f"{code}; print('', flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", staying, lock], stdout=subprocess.PIPE) as first:
        assert first.stdout
        first.stdout.readline()
        with pytest.raises(CommandError, match="runs here already"), run._only_run(lock, "http://second/"):
            pass
        first.kill()

    with run._only_run(lock, "http://second/"):
        assert lock.read_text() == f"{os.getpid()} http://second/"


@pytest.fixture
def handlers(hangups: None) -> Iterator[None]:
    """Put back what handled the signals."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_who_ends_a_command_lets_it_clear_up(handlers: None, number: signal.Signals) -> None:
    manage.end_in_order()

    with pytest.raises(SystemExit, match=str(128 + number)):
        os.kill(os.getpid(), number)


def test_what_was_started_by_nohup_does_not_end_with_its_terminal(handlers: None) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    manage.end_in_order()

    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


@pytest.fixture
def taken(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The port of the settings, on which somebody listens."""
    monkeypatch.setattr(run, "PORT_FREE_WITHIN_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        settings.CLASSIFR_HOST, settings.CLASSIFR_PORT = listening.getsockname()
        yield listening


def test_taken_port_is_said(taken: socket.socket) -> None:
    with pytest.raises(CommandError, match="set CLASSIFR_PORT"):
        run._check_port()


def test_port_that_is_free_in_a_moment_is_waited_for(taken: socket.socket) -> None:
    closing = threading.Timer(0.1, taken.close)
    closing.start()

    run._check_port()

    closing.join()


def run_in(var: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "CLASSIFR_VAR": str(var), "CLASSIFR_PORT": str(free_port()), "DATABASE_URL": ""}
    command = [sys.executable, "manage.py", "run"]
    return subprocess.run(command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True)


def test_full_disk_is_said_in_a_sentence(small_disk: Path) -> None:
    done = run_in(small_disk / "var")

    assert done.returncode == 1
    assert done.stderr == (
        f"CommandError: The disk of {small_disk}/var is full: 1 MB are free, and Classifr needs 100 to start. "
        "Make room.\n"
    )


def test_folder_that_cannot_be_made_is_said_in_a_sentence(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "file").touch()
    settings.CLASSIFR_VAR = tmp_path / "file" / "var"

    with pytest.raises(CommandError, match=f"CLASSIFR_VAR is {settings.CLASSIFR_VAR}, which cannot be made: Not a dir"):
        run._make_var()


def test_database_that_cannot_be_started_is_said_in_a_sentence(tmp_path: Path) -> None:
    done = run_in(tmp_path / "a$b")

    assert done.returncode == 1
    assert done.stderr.startswith(f"CommandError: PostgreSQL cannot be in {tmp_path}/a$b/postgres")
    assert done.stderr.count("\n") == 1
