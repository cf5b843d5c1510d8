"""A real gunicorn, as the Procfile starts it, on a database of its own."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import requests
from django.conf import settings

from tests.ports import free_port

START_S = 120
PASSWORD = "client-s3cret"


class Served:
    """A site that answers on a port of its own."""

    def __init__(self, var: Path, log: Path, **environment: str) -> None:
        self.port = free_port()
        self.log = log
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "CLASSIFR_VAR": str(var),
            "CLASSIFR_PORT": str(self.port),
            "CLASSIFR_CLIENT_PASSWORD": PASSWORD,
            "DATABASE_URL": "",
            **environment,
        }
        self.prefix = environment.get("CLASSIFR_PATH_PREFIX", "")
        self.address = f"http://127.0.0.1:{self.port}{self.prefix}"

    def prepare(self) -> None:
        """Make the database, the starter project and the first users, as `make run` does."""
        code = (
            "import django; django.setup(); from django.core.management import call_command as call; "
            "call('collectstatic', interactive=False, verbosity=0); call('prepare')"
        )
        command = [sys.executable, "-c", code]
        environment = {**self.environment, "DJANGO_SETTINGS_MODULE": "classifr.settings"}
        subprocess.run(command, env=environment, cwd=settings.BASE_DIR, check=True, stdout=subprocess.DEVNULL)

    def start(self) -> None:
        [line] = re.findall("^web: (.*)$", (settings.BASE_DIR / "Procfile").read_text(), flags=re.MULTILINE)
        with self.log.open("ab") as log:
            self.process = psutil.Popen(
                shlex.split(line), env=self.environment, cwd=settings.BASE_DIR, stdout=log, stderr=log
            )
        wait_until_answered(f"{self.address}/healthz", self.process, self.log)

    def stop(self) -> float:
        """End it as a supervisor does; return after how many seconds it was gone."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        return time.monotonic() - started

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30, source_address=(source, 0))

    def session(self) -> requests.Session:
        return requests.Session()

    def sign_in(self, username: str = "client", password: str = PASSWORD) -> requests.Session:
        session = self.session()
        page = session.get(f"{self.address}/accounts/login/").text
        fields = {"username": username, "password": password, "csrfmiddlewaretoken": token(page)}
        session.post(f"{self.address}/accounts/login/", fields).raise_for_status()
        return session

    def cookie(self) -> str:
        """Return the header of a signed-in browser."""
        cookies = self.sign_in().cookies.get_dict()
        return "Cookie: " + "; ".join(f"{name}={value}" for name, value in cookies.items())

    def send_photo(self, session: requests.Session, photo: bytes) -> requests.Response:
        page = session.get(f"{self.address}/").text
        project = re.search('name="project" value="([0-9]+)"', page)
        assert project, page
        fields = {"project": project[1], "csrfmiddlewaretoken": token(page)}
        return session.post(f"{self.address}/", fields, files={"photo": ("p.jpg", photo, "image/jpeg")})


def wait_until_answered(address: str, process: psutil.Popen, log: Path, *, certificate: Path | None = None) -> None:
    deadline = time.monotonic() + START_S
    headers, verify = {"X-Forwarded-Proto": "https"}, str(certificate) if certificate else None
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            requests.get(address, headers=headers, timeout=10, verify=verify).raise_for_status()
        except requests.RequestException:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(log.read_text())


def token(page: str) -> str:
    found = re.search('name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found, page
    return found[1]


@contextmanager
def served(var: Path, log: Path, **environment: str) -> Iterator[Served]:
    site = Served(var, log, **environment)
    site.start()
    try:
        yield site
    finally:
        if site.process.poll() is None:
            site.stop()
