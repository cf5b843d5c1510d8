"""`manage.py run`, which `make run` calls."""

import errno
import fcntl
import logging.config
import os
import secrets
import shutil
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from accounts import first_passwords
from classifr import __version__, logs
from classifr.embedded_postgres.exceptions import NotServing
from classifr.management.commands.prepare import box
from classifr.supervision import Program, read_procfile, supervise

NEEDED_MIB = 100
"""Free space without which nothing is started: the database and its log take nearly so much at the first start."""
PORT_FREE_WITHIN_S = 6
"""So long the web processes of a run that was killed may go on, with the requests that they had."""


class Command(BaseCommand):
    help = "Prepare the database, then start web and worker; Ctrl-C stops everything."
    requires_system_checks = []

    def handle(self, **options: Any) -> None:
        _make_var()
        self.log_to_file()
        with _only_run(settings.CLASSIFR_VAR / "run.lock", _address()):
            _check_port()
            self.warn_of_slow_clients()
            try:
                self.prepare()
                self.serve()
            except NotServing as exc:
                raise CommandError(str(exc)) from exc
            finally:
                # All that this run has started has ended: from here on it needs no database.
                connection.close()

    def prepare(self) -> None:
        if not settings.CLASSIFR_GIVEN_SECRET_KEY and not settings.CLASSIFR_SECRET_KEY_FILE.exists():
            _make_secret_key()
        if not _is_collected():
            call_command("collectstatic", interactive=False, verbosity=0)
        # From here on this process is among the users of the embedded database: as the last of them it stops it.
        call_command("prepare", stdout=self.stdout, no_passwords=True)

    def log_to_file(self) -> None:
        """Keep the terminal for what matters: requests and the like go to a file, of this process and its programs."""
        self.log_file = settings.LOG_FILE or settings.CLASSIFR_VAR / "log" / "classifr.log"
        logging.config.dictConfig(logs.configuration(level=settings.LOG_LEVEL, file=self.log_file))

    def warn_of_slow_clients(self) -> None:
        """Say that nothing keeps them from the threads, where others than this machine's users may come."""
        if settings.CLASSIFR_PROXIES or _is_loopback(settings.CLASSIFR_HOST):
            return
        sentence = (
            f"Classifr listens on {settings.CLASSIFR_HOST} with no proxy in front: a few slow clients can stop it. "
            "Put a proxy there and set CLASSIFR_PROXIES (docs/deployment.md), or leave CLASSIFR_HOST at 127.0.0.1."
        )
        self.stderr.write(self.style.WARNING(sentence))

    def serve(self) -> None:
        """Run the Procfile until asked to end."""
        environment = {
            **os.environ,
            "LOG_FILE": str(self.log_file),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        commands = read_procfile(settings.BASE_DIR / "Procfile")
        passwords = first_passwords.read()  # in this thread, which has a connection to the database and closes it
        threading.Thread(target=self.announce, args=[passwords], daemon=True).start()
        supervise(
            [
                Program(name, command, environment=environment, folder=settings.BASE_DIR)
                for name, command in commands.items()
            ]
        )

    def announce(self, passwords: Mapping[str, str]) -> None:
        """Print the address as soon as somebody listens there, and last what a newcomer signs in with."""
        while True:
            with socket.socket() as probe:
                if probe.connect_ex((_host(), settings.CLASSIFR_PORT)) == 0:
                    break
            time.sleep(0.1)
        self.stdout.write(self.style.SUCCESS(f"Classifr {__version__} answers at {_address()}"))
        self.stdout.write(f"Ctrl-C stops it. Requests are logged in {self.log_file}.")
        if passwords:
            self.stdout.write(box(passwords))


def _host() -> str:
    """Return where this machine reaches it."""
    return "127.0.0.1" if settings.CLASSIFR_HOST == "0.0.0.0" else settings.CLASSIFR_HOST  # noqa: S104


def _address() -> str:
    return f"http://{_host()}:{settings.CLASSIFR_PORT}{settings.CLASSIFR_PATH_PREFIX}/"


def _make_var() -> None:
    """Make the folder of everything that is stored. Raises CommandError when it cannot, or when its disk is full."""
    var = settings.CLASSIFR_VAR
    disk = next(folder for folder in (var, *var.parents) if folder.exists())
    free_mib = shutil.disk_usage(disk).free // 2**20
    if free_mib < NEEDED_MIB:
        raise CommandError(
            f"The disk of {var} is full: {free_mib} MB are free, and Classifr needs {NEEDED_MIB} to start. Make room."
        )
    try:
        var.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise CommandError(f"CLASSIFR_VAR is {var}, which cannot be made: {exc.strerror}.") from exc


@contextmanager
def _only_run(path: Path, address: str) -> Iterator[None]:
    """Be the only one that runs on the folder of that lock. Raises CommandError, which says who does."""
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system lets go of it, however this process ends
        except BlockingIOError as exc:
            file.seek(0)
            pid, _, where = file.read().partition(" ")
            raise CommandError(f"Classifr runs here already (process {pid}, {where}).") from exc
        file.truncate(0)
        file.write(f"{os.getpid()} {address}")
        file.flush()
        yield


def _is_collected() -> bool:
    """Say whether all files for browsers were collected since they changed: it takes a second at each start."""
    try:
        collected_at = (settings.STATIC_ROOT / "staticfiles.json").stat().st_mtime
    except FileNotFoundError:
        return False
    files = (storage.path(path) for finder in get_finders() for path, storage in finder.list([]))
    return all(Path(file).stat().st_mtime < collected_at for file in files)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_port() -> None:
    """Raise CommandError when the port cannot be listened on, soon."""
    deadline = time.monotonic() + PORT_FREE_WITHIN_S
    while refusal := _try_port():
        if refusal.errno != errno.EADDRINUSE or time.monotonic() > deadline:
            address = f"{settings.CLASSIFR_HOST}:{settings.CLASSIFR_PORT}"
            raise CommandError(f"{address} cannot be listened on ({refusal.strerror}): set CLASSIFR_PORT.") from refusal
        time.sleep(0.1)


def _try_port() -> OSError | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.CLASSIFR_HOST, settings.CLASSIFR_PORT))
        except OSError as exc:
            return exc
    return None


def _make_secret_key() -> None:
    """Keep a random key where the settings look for one, so that sessions survive the next start."""
    path = settings.CLASSIFR_SECRET_KEY_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(secrets.token_urlsafe(64))
    settings.SECRET_KEY = path.read_text()  # this process has read its settings already
