"""Bodies in chunks get their length, and what nobody reads of a body is thrown away, up to a limit."""

import io
import socket
import threading
from collections.abc import Iterable, Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest

from web import bodies
from web.bodies import MOST_THROWN_AWAY, read_to_their_ends, with_lengths

LIMIT = 1000


def seen_through(middleware: Any, environ: WSGIEnvironment) -> tuple[str, bytes]:
    """Return the length and the body that an application gets."""
    seen = []

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        seen.append((environ.get("CONTENT_LENGTH", ""), environ["wsgi.input"].read()))
        return []

    list(middleware(application)(environ, lambda *_: None))
    return seen[0]


def in_chunks(content: bytes, **more: Any) -> WSGIEnvironment:
    """Return a request as gunicorn hands it over: taken out of its chunks, without a length."""
    return {
        "PATH_INFO": "/",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input": io.BytesIO(content),
        "wsgi.input_terminated": True,
        **more,
    }


def limited(application: WSGIApplication) -> WSGIApplication:
    return with_lengths(application, limit_of={"/": LIMIT}.__getitem__)


@pytest.mark.parametrize("size", [0, 1, LIMIT])
def test_body_in_chunks_gets_its_length(size: int) -> None:
    environ = in_chunks(bytes(size))

    assert seen_through(limited, environ) == (str(size), bytes(size))
    assert "HTTP_TRANSFER_ENCODING" not in environ


def test_of_what_is_too_long_only_so_much_is_read_as_shows_it() -> None:
    environ = in_chunks(bytes(10 * LIMIT))
    rest = environ["wsgi.input"]

    assert seen_through(limited, environ) == (str(LIMIT + 1), bytes(LIMIT + 1))
    assert len(rest.read()) == 9 * LIMIT - 1


@pytest.mark.parametrize(
    "more", [{"HTTP_TRANSFER_ENCODING": "gzip, chunked"}, {"wsgi.input_terminated": False}], ids=["coded", "endless"]
)
def test_what_has_no_end_that_is_known_is_left_as_it_is(more: dict[str, Any]) -> None:
    environ = in_chunks(b"content", **more)

    assert seen_through(limited, environ) == ("", b"content")
    assert "HTTP_TRANSFER_ENCODING" in environ


class Connection:
    """A connection, the body that comes through it, and how much of that was read."""

    def __init__(self) -> None:
        self.server, self.client = socket.socketpair()
        self.read_bytes = 0

    def read(self, size: int = -1) -> bytes:
        data = self.server.recv(size)
        self.read_bytes += len(data)
        return data

    def answer(self, *, length: int, read: int = 0) -> Iterable[bytes]:
        """Return the answer of an application that reads so much."""

        def application(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
            environ["wsgi.input"].read(read)
            return [b"refused"]

        environ = {"CONTENT_LENGTH": str(length), "wsgi.input": self, "gunicorn.socket": self.server}
        return read_to_their_ends(application)(environ, lambda *_: None)  # type: ignore[arg-type]


@pytest.fixture
def connection() -> Iterator[Connection]:
    made = Connection()
    with made.server, made.client:
        yield made


def end(answer: Any) -> None:
    """Do what a server does once all is sent."""
    answer.close()


def test_rest_is_thrown_away_once_the_answer_is_sent(connection: Connection) -> None:
    connection.client.sendall(bytes(1000))
    connection.client.shutdown(socket.SHUT_WR)

    answer = connection.answer(length=1000, read=100)

    assert list(answer) == [b"refused"]
    assert connection.read_bytes == 100
    end(answer)
    assert connection.read_bytes == 1000


def test_body_that_was_read_is_not_waited_for(connection: Connection) -> None:
    connection.client.sendall(bytes(100))

    end(connection.answer(length=100, read=100))

    assert connection.read_bytes == 100


def test_no_more_is_thrown_away_than_so_much(connection: Connection) -> None:
    def send() -> None:
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            connection.client.sendall(bytes(2 * MOST_THROWN_AWAY))

    sender = threading.Thread(target=send)
    sender.start()
    end(connection.answer(length=2 * MOST_THROWN_AWAY))
    assert connection.read_bytes == MOST_THROWN_AWAY

    connection.server.close()
    sender.join()


def test_no_longer_than_so_long(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "THROWN_AWAY_S", 0.3)
    done = threading.Event()

    def drip() -> None:
        while not done.wait(0.02):
            connection.client.send(b"x")

    dripping = threading.Thread(target=drip)
    dripping.start()
    end(connection.answer(length=1000))
    done.set()
    dripping.join()

    assert 0 < connection.read_bytes < 100


def test_client_who_goes_meanwhile_is_no_trouble(connection: Connection) -> None:
    connection.server.settimeout(0.01)  # which raises an OSError

    end(connection.answer(length=1000))

    assert connection.read_bytes == 0


def test_request_without_a_body_is_left_as_it_is() -> None:
    environ = {"wsgi.input": io.BytesIO(), "gunicorn.socket": None}

    assert seen_through(read_to_their_ends, environ) == ("", b"")
