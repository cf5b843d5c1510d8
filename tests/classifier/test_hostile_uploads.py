"""Hostile files and names, posted to the page: a sentence and no trace, and the server goes on."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from django.conf import settings as project_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext
from pytest_django import Settings

from accounts.models import User
from catalog.models import Picture
from catalog.refusals import refusal_sentence
from classifier.models import PendingPhoto, Prediction
from engine import images
from engine.exceptions import RefusedPicture
from tests import factories
from tests.hostile import CASES
from tests.limits import body_limit_of
from tests.ports import free_port
from training.models import Project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hostile uploads")]

REFUSED = {name: case for name, case in CASES.items() if case.page_reason}
ACCEPTED = {name: case for name, case in CASES.items() if not case.page_reason}
SOME = (
    "JPEG of headers alone",
    "JPEG of 51 scans",
    "JPEG that announces 65,535 x 65,535",
    "progressive JPEG of 9,000 x 9,000",
    "JPEG of countless segments",
    "PNG with a profile bomb",
    "GIF with a huge frame",
    "XML of countless comments",
    "XML of a billion laughs",
    "SVG with a script",
    "HTML before a JPEG",
    "archive with a JPEG behind it",
    "lossless JPEG",
    "4 MiB and a byte",
    "zeros",
)
BODY_LIMIT = body_limit_of(reverse("classifier:home"))
NAMES = {
    "path": b"../../../../tmp/intruder.jpg",
    "absolute path": b"/etc/passwd",
    "backslashes": b"..\\..\\intruder.jpg",
    "zero": b"intruder\x00.jpg",
    "line break": b"intruder\nlevel=CRITICAL logger=intruder.jpg",
    "escape": b"intruder\x1b[2J.jpg",
    "written from right to left": "intruder\u202egpj.exe".encode(),
    "5,000 characters": b"intruder" * 715 + b".jpg",
    "emoji": "intruder🍕.jpg".encode(),
    "no UTF-8": b"intruder\xff\xfe.jpg",
    "script": b"<script>intruder()</script>.jpg",
    "dots": b"..",
    "spaces": b"   ",
    "percent": b"%2e%2e%2fintruder%00.jpg",
}


@pytest.fixture
def uploads_on_disk(settings: Settings, tmp_path: Path) -> Path:
    """Where files wait that are too large for memory."""
    folder = tmp_path / "uploads"
    folder.mkdir()
    settings.FILE_UPLOAD_TEMP_DIR = str(folder)
    return folder


@pytest.fixture
def client_of(person: User, signed_in: Callable[[User], Client]) -> Callable[[str], Client]:
    """Make the person's browser, in that language."""

    def speaking(language: str) -> Client:
        person.language = language
        person.save()
        return signed_in(person)

    return speaking


def post(browser: Client, content: bytes, project: Project) -> Any:
    upload = SimpleUploadedFile("photo.jpg", content, "image/jpeg")
    return browser.post(reverse("classifier:home"), {"photo": upload, "project": project.pk})


def sentence(content: bytes) -> str:
    """Return what the engine says of the file, in the language of the moment."""
    with pytest.raises(RefusedPicture) as caught:
        images.decode(images.admit(content, limits=images.PAGE_PHOTO), shorter_side=16)
    return refusal_sentence(caught.value)


def traces(*folders: Path) -> list[object]:
    """Return whatever a photo leaves behind."""
    rows = [*Prediction.objects.all(), *PendingPhoto.objects.all(), *Picture.objects.all()]
    return [*rows, *(path for folder in folders for path in sorted(folder.rglob("*")))]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_refused_files_get_their_sentence_and_leave_no_trace(
    client_of: Callable[[str], Client], food_project: Project, blobs: Path, uploads_on_disk: Path, language: str
) -> None:
    browser = client_of(language)
    before = traces(blobs, uploads_on_disk)

    for name, case in REFUSED.items():
        content = case.make()
        answer = post(browser, content, food_project)
        if len(content) > BODY_LIMIT:
            assert answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE, name
            assert traces(blobs, uploads_on_disk) == before, name
            continue
        assert answer.status_code == HTTPStatus.OK, name
        (said,) = answer.context["form"].errors["photo"]
        with translation.override(language):
            assert said == (sentence(content) if content else gettext("This file is empty.")), name
        assert traces(blobs, uploads_on_disk) == before, name


def test_odd_but_honest_files_are_answered(
    client_of: Callable[[str], Client], food_project: Project, uploads_on_disk: Path
) -> None:
    browser = client_of("fr")

    for name, case in ACCEPTED.items():
        content = case.make()
        answer = post(browser, content, food_project)
        assert answer.status_code == HTTPStatus.FOUND, name
        kept = bytes(PendingPhoto.objects.latest("prediction_id").content)
        assert kept == factories.admit(content).content, name
        assert not re.search(
            rb"script|<\?php|PK\x03\x04|%PDF|Exif\x00\x00MM\x00\*(?!\x00\x00\x00\x08\x00\x01\x01\x12)", kept
        )
    assert not list(uploads_on_disk.iterdir())


class Server:
    """One web process on a database of its own, as `make run` prepares it."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        self.var = folder / "var"
        self.log = folder / "log"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.environment = {
            **os.environ,
            "CLASSIFR_VAR": str(self.var),
            "CLASSIFR_PORT": str(port),
            "CLASSIFR_CLIENT_PASSWORD": "client-s3cret",
            "SECRET_KEY": "",
            "TMPDIR": str(self.temporary),
            "WEB_CONCURRENCY": "1",
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "run"],
                cwd=project_settings.BASE_DIR,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                requests.get(f"{self.address}/healthz", timeout=2).raise_for_status()
            except requests.RequestException:
                time.sleep(0.2)
            else:
                return
        raise TimeoutError(self.log.read_text())

    @property
    def web(self) -> set[int]:
        """The ids of gunicorn's processes."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        return {each.pid for each in family if "gunicorn" in " ".join(each.cmdline())}

    def stop(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
            self.process.wait(30)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("server"))
    yield running
    running.stop()


class Sender:
    """A person who is signed in and posts raw bytes."""

    def __init__(self, server: Server) -> None:
        self._address = f"{server.address}/"
        self._session = requests.Session()
        login = f"{server.address}/accounts/login/"
        page = self._session.get(login, timeout=60).text
        fields = {"username": "client", "password": "client-s3cret", "csrfmiddlewaretoken": _found(_TOKEN, page)}
        page = self._session.post(login, fields, timeout=60).text
        self._fields = {"project": _found(_PROJECT, page), "csrfmiddlewaretoken": _found(_TOKEN, page)}

    def send(self, content: bytes, *, name: bytes = b"photo.jpg") -> requests.Response:
        """Post the file under a name that no library has escaped."""
        parts = [
            f'--limit\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
            for field, value in self._fields.items()
        ]
        photo = b'--limit\r\nContent-Disposition: form-data; name="photo"; filename="' + name + b'"\r\n'
        body = b"".join((*parts, photo, b"Content-Type: image/jpeg\r\n\r\n", content, b"\r\n--limit--\r\n"))
        headers = {"Content-Type": "multipart/form-data; boundary=limit"}
        return self._session.post(self._address, body, headers=headers, timeout=60)


_TOKEN = 'name="csrfmiddlewaretoken" value="([^"]+)"'
_PROJECT = 'name="project" value="([0-9]+)"'


def _found(pattern: str, page: str) -> str:
    found = re.search(pattern, page)
    assert found
    return found[1]


def state_of(answer: requests.Response) -> str:
    """Return what the page shows: "answered" or "refused"."""
    return _found('data-state="([a-z]+)"', answer.text)


@pytest.mark.slow
def test_running_server_survives_hostile_files(server: Server) -> None:
    sender = Sender(server)
    assert state_of(sender.send(factories.make_photo())) == "answered"
    before = server.web
    assert len(before) >= 2  # the master and its worker

    for name in SOME:
        answer = sender.send(CASES[name].make())
        assert state_of(answer) == "refused", name
        assert server.web == before
        assert state_of(sender.send(factories.make_photo())) == "answered", name

    log = server.log.read_text()
    assert "Traceback" not in log
    assert "Worker" not in log
    assert not list(server.temporary.rglob("*.upload*"))


@pytest.mark.slow
def test_names_reach_neither_storage_nor_log(server: Server) -> None:
    sender = Sender(server)
    before = server.web
    assert len(before) >= 2  # the master and its worker

    for name, written in NAMES.items():
        for content in (factories.make_photo(), b"intruder"):
            answer = sender.send(content, name=written)
            assert answer.status_code in {HTTPStatus.OK, HTTPStatus.BAD_REQUEST}, name
            assert "intruder" not in answer.text.replace("intruder()", "?"), name
    assert server.web == before
    assert b"intruder" not in server.log.read_bytes()
    assert not [path for path in server.var.rglob("*") if "intruder" in path.name]
    assert not Path("/tmp/intruder.jpg").exists()  # noqa: S108  # where the name would lead
    assert state_of(sender.send(factories.make_photo())) == "answered"
