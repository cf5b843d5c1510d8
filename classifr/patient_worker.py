"""A gunicorn worker whose threads never wait for a client.

gunicorn's own threaded worker reads a request and writes its answer in a thread, at the client's pace: as many slow
clients as there are threads stop the site. Here the event loop gathers each request whole, gives it to a thread, and
sends what the client did not take of the answer at once. See docs/decisions/0009.
"""

import resource
import selectors
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string
from gunicorn import util
from gunicorn.errors import ConfigError
from gunicorn.workers.gthread import ThreadWorker

from classifr.patient_connection import BYTES_AT_ONCE, PatientConnection

SWEEP_S = 1.0
MEMORY_SHARE = 32  # of the unfinished bodies of a process, a 32nd is in memory; what grows further goes to files
YIELD_S = 0.001  # for another process to take a connection, which has fewer than this one
LINGER_S = 2.0  # for the client to close its side, so that it has read all
LINGER_REFUSED_S = 30.0  # likewise, where it is still sending a body that nobody wants


@dataclass(frozen=True)
class Patience:
    """How long a client may take, and how much it may leave here meanwhile."""

    head_s: float
    """From the connection, or the first byte of the next request, to the end of the headers."""
    body_s: float
    """For a body or an answer of any size, …"""
    bytes_per_s: float
    """… and as long again as its bytes take at this rate."""
    most_bytes: int
    """Of unfinished bodies, in this process."""
    body_limit_of: Callable[[str], int]
    """The most bytes that may be posted to a path."""

    def transfer_s(self, size: int) -> float:
        return self.body_s + size / self.bytes_per_s


class TooMuchAtOnce(Exception):
    """The unfinished bodies of this process are too big together."""


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker, with patience for slow clients in its event loop and none in its threads."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.waiting: set[PatientConnection] = set()
        """Connections with a request that comes, an answer that goes, or an end that is awaited."""
        self.buffered = 0
        self.next_sweep = 0.0
        self.patience: Patience

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        super().check_config(cfg, log)
        if cfg.is_ssl:
            raise ConfigError("This worker speaks plain HTTP: let a proxy speak TLS.")

    def run(self) -> None:
        self.patience = Patience(
            head_s=settings.CLASSIFR_HEADER_SECONDS,
            body_s=settings.CLASSIFR_BODY_SECONDS,
            bytes_per_s=settings.CLASSIFR_SLOWEST_KIB_PER_SECOND * 1024,
            most_bytes=settings.CLASSIFR_BUFFERED_MIB * 1024 * 1024,
            body_limit_of=import_string("classifr.views.body_limit_of"),  # Django is there only now
        )
        # Each connection may hold a socket and two files; a process without a free one could not go on.
        files = _allow_files(4 * self.cfg.worker_connections)
        self.worker_connections = min(self.cfg.worker_connections, files // 4)
        super().run()

    def accept(self, listener: socket.socket) -> None:
        if self.nr_conns >= self.cfg.threads:
            time.sleep(YIELD_S)
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # another process took it, or it is gone again
            return
        self.nr_conns += 1
        self.enqueue_req(PatientConnection(self.cfg, client, address, listener.getsockname()))

    def enqueue_req(self, conn: PatientConnection) -> None:
        """Gather the next request, of which some may be here already; called where gunicorn would start a thread."""
        conn.deadline = time.monotonic() + self.patience.head_s
        behind = conn.parser.unreader.take_buffered()  # pipelined
        self._gather(conn, behind)

    def _gather(self, conn: PatientConnection, data: bytes = b"") -> None:
        """Take what has come, then wait for more or give the whole request to a thread."""
        try:
            is_whole = self._take(conn, data or conn.receive())
            if is_whole:
                conn.end_body()
        except BlockingIOError:
            is_whole = False
        except (EOFError, ConnectionError, TimeoutError):
            self._drop(conn)
            return
        except (TooMuchAtOnce, OSError) as exc:  # the other is a disk without room for temporary files
            self.log.warning("Upload not taken: %r", exc)
            self._release(conn)
            conn.forget_body()
            self._tell(conn, 503, "Service Unavailable", "Too many uploads at the moment. Try again in a minute.")
            self._linger(conn, LINGER_REFUSED_S)
            return
        except Exception as exc:  # noqa: BLE001  # what the parser refuses, mostly: gunicorn logs and answers each
            self.handle_error(None, conn.sock, conn.client, exc)
            self._linger(conn, LINGER_S)
            return
        if is_whole:
            self._stop_waiting(conn)
            super().enqueue_req(conn)
        else:
            self._wait(conn, selectors.EVENT_READ, self._gather)

    def _take(self, conn: PatientConnection, data: bytes) -> bool:
        """Add to the request; True once it is whole."""
        if conn.body is None:
            if not conn.take_head(data):
                return False
            if not conn.begin_body(self.patience.body_limit_of):
                return True
            conn.began = time.monotonic()
            data = conn.parser.unreader.take_buffered()
        before = conn.held
        is_whole = conn.take_body(data)
        conn.deadline = conn.began + self.patience.transfer_s(conn.held + conn.missing)
        self.buffered += conn.held - before
        if self.buffered > self.patience.most_bytes:
            raise TooMuchAtOnce
        if conn.body and self.buffered > self.patience.most_bytes // MEMORY_SHARE:
            conn.body.leave_memory()
        return is_whole

    def finish_request(self, conn: PatientConnection, future: Future[bool]) -> None:
        """Send the rest of the answer, then end the connection or wait for the next request."""
        self._release(conn)
        conn.parser.forget()
        conn.deadline = time.monotonic() + self.patience.transfer_s(conn.sock.size)
        try:
            conn.sock.rewind()
        except OSError:  # a full disk has not taken the answer
            self._drop(conn)
        else:
            self._send(conn, future=future)

    def _send(self, conn: PatientConnection, *, future: Future[bool]) -> None:
        try:
            is_sent = conn.sock.flush()
        except (OSError, ValueError):  # the client is gone, or the thread has closed the connection
            self._drop(conn)
            return
        if not is_sent:
            self._wait(conn, selectors.EVENT_WRITE, partial(self._send, future=future))
            return
        self._stop_waiting(conn)
        if not future.cancelled() and future.exception() is None and future.result():
            super().finish_request(conn, future)
        elif conn.is_refused:
            self._linger(conn, LINGER_REFUSED_S)
        else:
            self._drop(conn)

    def _tell(self, conn: PatientConnection, status: int, reason: str, sentence: str) -> None:
        try:
            util.write_error(conn.sock, status, reason, sentence)
        except OSError as exc:
            self.log.debug("Gone before it could be told: %s", exc)

    def _linger(self, conn: PatientConnection, seconds: float) -> None:
        """Let the client read all: a connection closed on bytes that were not read would take the answer with it."""
        conn.deadline = time.monotonic() + seconds
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(conn)
        else:
            self._discard(conn)

    def _discard(self, conn: PatientConnection) -> None:
        try:
            is_over = not conn.sock.recv(BYTES_AT_ONCE)
        except BlockingIOError:
            is_over = False
        except OSError:
            is_over = True
        if is_over:
            self._drop(conn)
        else:
            self._wait(conn, selectors.EVENT_READ, self._discard)

    def _wait(self, conn: PatientConnection, event: int, then: Callable[[PatientConnection], None]) -> None:
        """Call `then` with the connection when that happens."""
        act = self.poller.modify if conn in self.waiting else self.poller.register
        act(conn.sock, event, lambda _sock: then(conn))
        self.waiting.add(conn)

    def _stop_waiting(self, conn: PatientConnection) -> None:
        if conn in self.waiting:
            self.waiting.remove(conn)
            self.poller.unregister(conn.sock)

    def _release(self, conn: PatientConnection) -> None:
        self.buffered -= conn.held
        conn.held = 0

    def _drop(self, conn: PatientConnection) -> None:
        self._stop_waiting(conn)
        self._release(conn)
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """End the connections that took too long; gunicorn's loop calls this at least once a second."""
        now = time.monotonic()
        if now < self.next_sweep:
            return
        self.next_sweep = now + SWEEP_S
        for conn in [each for each in self.waiting if each.deadline < now]:
            self.log.info("Too slow: client=%s bytes=%s", conn.client, len(conn.head) + conn.held)
            if conn.head or conn.body:
                self._tell(conn, 408, "Request Timeout", "The request took too long to arrive.")
            self._drop(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        """A worker that is told to end waits no longer for requests that have hardly begun."""
        super()._cap_keepalive(deadline)
        for conn in self.waiting:
            if conn.body is None and not conn.sock.size:
                conn.deadline = min(conn.deadline, deadline)


def _allow_files(count: int) -> int:
    """Let this process have that many files open, as far as the system allows it; return how many of these it has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= count:
        return count
    most = count if hard == resource.RLIM_INFINITY else min(count, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most
