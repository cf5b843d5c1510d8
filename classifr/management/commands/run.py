"""`manage.py run`, which `make run` calls."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from classifr import __version__


class Command(BaseCommand):
    help = "Prepare the database, then start web and worker; Ctrl-C stops everything."
    requires_system_checks = []

    def handle(self, **options: Any) -> None:
        _check_port()
        self.warn_of_slow_clients()
        if not settings.CLASSIFR_GIVEN_SECRET_KEY and not settings.CLASSIFR_SECRET_KEY_FILE.exists():
            _make_secret_key()
        # The connection that prepares keeps this process among the database's users: it stops last, with the database.
        if not _is_collected():
            call_command("collectstatic", interactive=False, verbosity=0)
        call_command("prepare", stdout=self.stdout)
        self.serve()

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
        """Run the Procfile until it ends or is asked to."""
        command = [sys.executable, "-m", "honcho", "start", "--no-prefix"]
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        with subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment) as procfile:  # noqa: S603  # our own
            # Ctrl-C reaches honcho by itself; what is sent to this process alone is passed on.
            signal.signal(signal.SIGINT, lambda *_: None)
            signal.signal(signal.SIGTERM, lambda *_: procfile.terminate())
            threading.Thread(target=self.announce, args=[procfile], daemon=True).start()
            procfile.wait()

    def announce(self, procfile: subprocess.Popen[bytes]) -> None:
        """Print the address as soon as somebody listens there."""
        host = "127.0.0.1" if settings.CLASSIFR_HOST == "0.0.0.0" else settings.CLASSIFR_HOST  # noqa: S104
        while procfile.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex((host, settings.CLASSIFR_PORT)) == 0:
                    self.stdout.write(
                        self.style.SUCCESS(f"Classifr {__version__} answers at http://{host}:{settings.CLASSIFR_PORT}/")
                    )
                    return
            time.sleep(0.1)


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
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.CLASSIFR_HOST, settings.CLASSIFR_PORT))
        except OSError as exc:
            address = f"{settings.CLASSIFR_HOST}:{settings.CLASSIFR_PORT}"
            raise CommandError(f"{address} cannot be listened on ({exc.strerror}): set CLASSIFR_PORT.") from exc


def _make_secret_key() -> None:
    """Keep a random key where the settings look for one, so that sessions survive the next start."""
    path = settings.CLASSIFR_SECRET_KEY_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(secrets.token_urlsafe(64))
    settings.SECRET_KEY = path.read_text()  # this process has read its settings already
