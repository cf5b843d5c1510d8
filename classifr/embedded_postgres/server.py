"""Start and stop the embedded PostgreSQL server.

Everything goes through `pg_ctl` and what PostgreSQL itself notes. Two files beside the data folder keep processes
apart: who holds `postgres.starting` alone starts or stops the server, and who uses it shares `postgres.users`.
"""

import atexit
import fcntl
import logging
import os
import pwd
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
from psycopg2 import sql

from classifr.embedded_postgres.account import Account, account_for
from classifr.embedded_postgres.configuration import configure
from classifr.embedded_postgres.exceptions import NotServing, StillStarting
from classifr.embedded_postgres.postmaster import Postmaster, disown, read_postmaster
from classifr.embedded_postgres.programs import MAJOR, call, installed, popen, programs
from classifr.embedded_postgres.usage import take

logger = logging.getLogger(__name__)

SAID_EVERY_S = 10.0
SHELL = frozenset('"$`\\\n')
"""What pg_ctl would give to a shell unquoted."""
INITDB = (
    "--username=postgres",
    "--auth=peer",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
)
_CREATE = "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin LOCALE 'C.UTF-8'"


class Server:
    """The server of one data folder, and this process among its users."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._lock = threading.Lock()
        self._starting: Future[Path] | None = None
        self._shared: int | None = None
        """The descriptor by which this process is among the users."""
        self._pid = 0
        """Of the process that took it: a fork has a copy, and no say in it."""

    def start(self, *, patience_s: float | None = None) -> Path:
        """Start the server unless it serves, and return the folder of its socket.

        patience_s: how long to wait for it at most; it is started all the same. None: as long as it takes, with a word
        in the log every ten seconds. Raises NotServing and StillStarting.
        """
        with self._lock:
            if self._starting is None or self._starting.done():
                self._starting = Future()
                threading.Thread(target=self._fulfil, args=[self._starting], name="start-postgres", daemon=True).start()
            starting = self._starting
        try:
            return starting.result(patience_s)
        except TimeoutError as exc:
            raise StillStarting("The database is starting, stopping or recovering.") from exc

    def stop_if_unused(self) -> None:
        """Stop using the server, and stop it if nobody else does."""
        if self._pid not in (0, os.getpid()) or not self.data.exists():
            return
        with self._alone():
            if self._shared is not None:
                os.close(self._shared)
                self._shared = None
            users = take(self._beside("users"), fcntl.LOCK_EX)
            if users is not None:
                self._stop()
                os.close(users)

    def _fulfil(self, starting: "Future[Path]") -> None:
        try:
            starting.set_result(self._start())
        except Exception as exc:  # noqa: BLE001  # for whoever waits
            starting.set_exception(exc)

    def _start(self) -> Path:
        if SHELL & set(str(self.data)):
            raise NotServing(
                f'PostgreSQL cannot be in {self.data}: let CLASSIFR_VAR name a folder without " $ ` \\ in its path.'
            )
        self.data.parent.mkdir(parents=True, exist_ok=True)
        with self._alone():
            self._use()
            if not self._is_serving():
                self._run()
            running = self._running()
        if running is None or running.socket_folder is None:
            raise NotServing(f"PostgreSQL has ended as soon as it had started: {self.data}/logs says why.")
        return running.socket_folder

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Be the one process that starts or stops the server."""
        waiting = Waiting("Another process starts or stops PostgreSQL")
        while (descriptor := take(self._beside("starting"), fcntl.LOCK_EX)) is None:
            waiting.go_on()
        try:
            yield
        finally:
            os.close(descriptor)

    def _use(self) -> None:
        if self._pid == os.getpid() and self._shared is not None:
            return
        self._shared = take(self._beside("users"), fcntl.LOCK_SH)  # only who stops the server would be in the way
        self._pid = os.getpid()
        atexit.register(self.stop_if_unused)

    def _running(self) -> Postmaster | None:
        """Return the process that serves the folder now."""
        noted = read_postmaster(self.data)
        return noted if noted and noted.is_alive(self.data) else None

    def _is_serving(self) -> bool:
        """Wait until a server that runs takes connections. False: none runs."""
        waiting = Waiting("PostgreSQL takes no connections yet")
        while running := self._running():
            if self._is_ready(running):
                return True
            waiting.go_on()
        return False

    def _is_ready(self, running: Postmaster) -> bool:
        if running.socket_folder is None:
            return False
        command = [str(programs() / "pg_isready"), "-q", "-h", str(running.socket_folder)]
        return subprocess.run(command, check=False).returncode == 0  # noqa: S603  # our own

    def _run(self) -> None:
        account = account_for(self.data, programs=installed())
        if not (self.data / "PG_VERSION").exists():
            self._initialise(account)
        if (major := (self.data / "PG_VERSION").read_text().strip()) != str(MAJOR):
            raise NotServing(
                f"{self.data} is of PostgreSQL {major}, and this Classifr brings {MAJOR}: back up with the Classifr "
                "that made it, and restore the backup here (docs/backup.md)."
            )
        disown(self.data)
        configure(self.data, account=account, client=pwd.getpwuid(os.geteuid()).pw_name)
        self._wait_for_its_start(account)

    def _initialise(self, account: Account) -> None:
        """Make the data folder beside its place: one that was left half made is never taken for whole."""
        for left in self.data.parent.glob(".postgres-*"):
            shutil.rmtree(left)
        beside = Path(tempfile.mkdtemp(dir=self.data.parent, prefix=".postgres-"))
        account.own(beside)
        call("initdb", "--pgdata", str(beside), *INITDB, account=account)
        try:
            beside.rename(self.data)  # or an empty folder's place
        except OSError as exc:
            raise NotServing(f"{self.data} holds something, and no database: move it away.") from exc

    def _wait_for_its_start(self, account: Account) -> None:
        log = self.data / "start.log"
        log.write_bytes(b"")
        account.own(log)
        options = ["start", "-w", "-t", "86400", "-s", "-D", str(self.data), "-l", str(log)]
        waiting = Waiting("PostgreSQL recovers from a crash")
        with tempfile.TemporaryFile() as output, popen("pg_ctl", options, account, output) as starting:
            while starting.poll() is None:
                waiting.go_on()
            output.seek(0)
            said = output.read().decode(errors="replace")
        if starting.returncode:
            raise NotServing(
                f"PostgreSQL does not start on {self.data}: {log.read_text(errors='replace')}{said}".strip()
            )

    def _stop(self) -> None:
        running = self._running()
        if running is None:
            return
        try:
            call(
                "pg_ctl",
                "stop",
                "-w",
                "-s",
                "-m",
                "fast",
                "-D",
                str(self.data),
                account=account_for(self.data, programs=installed()),
            )
        except NotServing as exc:
            logger.warning("PostgreSQL was not stopped: %s", exc)
        else:
            if running.socket_folder and running.socket_folder != self.data:
                running.socket_folder.rmdir()

    def _beside(self, name: str) -> Path:
        return self.data.with_name(f"{self.data.name}.{name}")


@dataclass
class Waiting:
    """Somebody waits, and the log says for what and for how long, every ten seconds."""

    what: str
    started: float = field(default_factory=time.monotonic)
    said: int = 0

    def go_on(self) -> None:
        """Wait for a moment."""
        time.sleep(0.02)
        if (passed := time.monotonic() - self.started) >= SAID_EVERY_S * (self.said + 1):
            self.said += 1
            logger.warning("%s: %.0f s so far", self.what, passed)


_servers: dict[Path, Server] = {}


def server_of(data: Path) -> Server:
    """Return this process's hold on the server of that folder."""
    return _servers.setdefault(data, Server(data))


def ensure_database(host: Path, name: str) -> None:
    """Make the database unless it is there."""
    connection = psycopg2.connect(host=str(host), user="postgres", dbname="postgres")
    connection.autocommit = True
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT pg_advisory_lock(hashtext('classifr'))")  # goes with the connection
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL(_CREATE).format(sql.Identifier(name)))
    finally:
        connection.close()
