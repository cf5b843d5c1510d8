"""Bodies of requests on their way from gunicorn to Django: WSGI middleware, see `classifr.wsgi`."""

import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from tempfile import SpooledTemporaryFile
from threading import Timer
from typing import Protocol
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

PIECE_BYTES = 64 * 1024
BYTES_IN_MEMORY = 5 * 1024 * 1024  # of a body in chunks; the rest is in a temporary file
MOST_THROWN_AWAY = 16 * 1024 * 1024  # bytes
THROWN_AWAY_S = 5.0


class Input(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...

    def readline(self, size: int = -1, /) -> bytes: ...


def with_lengths(application: WSGIApplication, *, limit_of: Callable[[str], int]) -> WSGIApplication:
    """Give bodies that come in chunks their length, as Django takes what has none for empty.

    limit_of: the most bytes that may be posted to a path. One more is read, for the application to refuse.
    """

    def count(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        is_chunked = environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked"  # and nothing beside
        if not is_chunked or not environ.get("wsgi.input_terminated"):
            return application(environ, start_response)
        most, size = limit_of(environ["PATH_INFO"]) + 1, 0
        with SpooledTemporaryFile(BYTES_IN_MEMORY) as body:
            while data := environ["wsgi.input"].read(min(PIECE_BYTES, most - size)):
                size += body.write(data)
            body.seek(0)
            del environ["HTTP_TRANSFER_ENCODING"]
            environ |= {"CONTENT_LENGTH": str(size), "wsgi.input": body}
            return application(environ, start_response)

    return count


def read_to_their_ends(application: WSGIApplication) -> WSGIApplication:
    """Throw away what still comes of a body once its request is answered.

    A connection that is closed on bytes that nobody has read takes the answer with it.
    """

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        connection = environ.get("gunicorn.socket")  # another server sees to it by itself
        length, is_chunked = int(environ.get("CONTENT_LENGTH") or 0), "HTTP_TRANSFER_ENCODING" in environ
        if connection is None or not (length or is_chunked):
            return application(environ, start_response)
        body = environ["wsgi.input"] = _Body(environ["wsgi.input"], None if is_chunked else length)
        return _Answer(application(environ, start_response), body, connection)

    return answer


class _Body:
    """A body, and how much of it has not been read."""

    def __init__(self, stream: Input, length: int | None) -> None:
        self._stream, self._length = stream, length
        self.is_over = False

    def read(self, size: int = -1, /) -> bytes:
        return self._note(self._stream.read(size), is_end=bool(size))

    def readline(self, size: int = -1, /) -> bytes:
        return self._note(self._stream.readline(size), is_end=bool(size))

    def _note(self, data: bytes, *, is_end: bool) -> bytes:
        if self._length is not None:
            self._length -= len(data)
        self.is_over = self._length == 0 or (not data and is_end)
        return data


class _Answer:
    """An answer, at whose end the rest of the request is thrown away; servers close it once all is sent."""

    def __init__(self, content: Iterable[bytes], body: _Body, connection: socket.socket) -> None:
        self._content, self._body, self._connection = content, body, connection

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._content)

    def close(self) -> None:
        if hasattr(self._content, "close"):
            self._content.close()
        if not self._body.is_over:
            _throw_away(self._body, self._connection)


def _throw_away(body: _Body, connection: socket.socket) -> None:
    # Each byte that drips in lets a read wait on: only the socket can end it.
    end = Timer(THROWN_AWAY_S, _stop_reading, [connection])
    end.start()
    left = MOST_THROWN_AWAY
    with suppress(Exception):  # the client is gone or sends nonsense; gunicorn closes such a connection by itself
        while left and (data := body.read(min(PIECE_BYTES, left))):
            left -= len(data)
    end.cancel()


def _stop_reading(connection: socket.socket) -> None:
    with suppress(OSError):  # it has ended just now
        connection.shutdown(socket.SHUT_RD)
