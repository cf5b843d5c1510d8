"""Bodies in chunks get their length, what nobody reads of a body is thrown away, and HEAD is answered without one."""

import io
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest

from web import bodies
from web.bodies import MOST_THROWN_AWAY, ChunkedBody, read_to_their_ends, with_bare_heads, with_lengths

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


def measured(application: WSGIApplication) -> WSGIApplication:
    """Ask for the length, as `web.limits` does."""

    def measure(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"]
        assert isinstance(body, ChunkedBody)
        environ["CONTENT_LENGTH"] = str(body.measure(LIMIT + 1))
        return application(environ, start_response)

    return with_lengths(measure)


@pytest.mark.parametrize("size", [0, 1, LIMIT])
def test_body_in_chunks_gets_its_length(size: int) -> None:
    environ = in_chunks(bytes(size))

    assert seen_through(measured, environ) == (str(size), bytes(size))
    assert "HTTP_TRANSFER_ENCODING" not in environ


def test_of_what_is_too_long_only_so_much_is_read_as_shows_it() -> None:
    environ = in_chunks(bytes(10 * LIMIT))
    rest = environ["wsgi.input"]

    assert seen_through(measured, environ) == (str(LIMIT + 1), bytes(LIMIT + 1))
    assert len(rest.read()) == 9 * LIMIT - 1


def test_nothing_is_read_of_a_body_in_chunks_that_nobody_measures() -> None:
    environ = in_chunks(bytes(LIMIT))
    rest = environ["wsgi.input"]

    assert seen_through(with_lengths, environ)[1] == b""
    assert len(rest.read()) == LIMIT


def test_chunks_that_are_none_are_the_servers_to_refuse() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise ValueError("no chunk")

    environ = in_chunks(b"") | {"wsgi.input": Broken()}

    with pytest.raises(ValueError, match="no chunk"):
        seen_through(measured, environ)
    assert environ["CONTENT_LENGTH"] == str(LIMIT + 1)  # so it is refused


def test_body_in_chunks_may_be_read_by_lines_and_by_any_size() -> None:
    body = ChunkedBody(io.BytesIO(b"one\ntwo\nthree"), io.BytesIO())
    body.measure(LIMIT)

    assert (body.readline(2**62), body.readline(), body.read(2**62)) == (b"one\n", b"two\n", b"three")


@pytest.mark.parametrize(
    "more", [{"HTTP_TRANSFER_ENCODING": "gzip, chunked"}, {"wsgi.input_terminated": False}], ids=["coded", "endless"]
)
def test_what_has_no_end_that_is_known_is_left_as_it_is(more: dict[str, Any]) -> None:
    environ = in_chunks(b"content", **more)

    assert seen_through(with_lengths, environ) == ("", b"content")
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
        # The answer is there, and the connection may be shut before that is told here.
        with suppress(BrokenPipeError, ConnectionResetError):
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


@pytest.mark.parametrize(("method", "content"), [("GET", [b"content"]), ("HEAD", [])])
def test_head_is_answered_by_the_headers_alone(method: str, content: list[bytes]) -> None:
    closed = []

    class Answer(list[bytes]):
        def close(self) -> None:
            closed.append(method)

    answer = with_bare_heads(lambda *_: Answer([b"content"]))({"REQUEST_METHOD": method}, lambda *_: None)  # type: ignore[arg-type]
    if method == "GET":
        end(answer)

    assert (list(answer), closed) == (content, [method])
