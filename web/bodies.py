"""Bodies of requests on their way from gunicorn to Django: WSGI middleware, see `classifr.wsgi`."""

import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from tempfile import SpooledTemporaryFile
from threading import Timer
from typing import IO, Protocol
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

PIECE_BYTES = 64 * 1024
BYTES_IN_MEMORY = 5 * 1024 * 1024  # of a body in chunks; the rest is in a temporary file
MOST_THROWN_AWAY = 16 * 1024 * 1024  # bytes
THROWN_AWAY_S = 5.0


class Input(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...

    def readline(self, size: int = -1, /) -> bytes: ...


def with_lengths(application: WSGIApplication) -> WSGIApplication:
    """Let the application ask for the length of a body that comes in chunks; Django takes what has none for empty."""

    def count(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        is_chunked = environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked"  # and nothing beside
        if not is_chunked or not environ.get("wsgi.input_terminated"):
            return application(environ, start_response)
        with SpooledTemporaryFile(BYTES_IN_MEMORY) as file:
            del environ["HTTP_TRANSFER_ENCODING"]
            body = ChunkedBody(environ["wsgi.input"], file)
            environ |= {"CONTENT_LENGTH": str(sys.maxsize), "wsgi.input": body}  # until it is measured
            content = application(environ, start_response)
            if body.error:
                _close(content)
                raise body.error  # the server says what is wrong with the chunks, and ends the connection
            return content

    return count


class ChunkedBody:
    """A body without a length: empty until it is measured, so that nothing of it is read before somebody may."""

    def __init__(self, stream: Input, file: IO[bytes]) -> None:
        self._stream, self._file = stream, file
        self._length = 0
        self.error: Exception | None = None

    def measure(self, most: int) -> int:
        """Read the body, and return how long it is; `most` where it is longer, or cannot be read to its end."""
        try:
            while data := self._stream.read(min(PIECE_BYTES, most - self._length)):
                self._length += self._file.write(data)
        except Exception as exc:  # noqa: BLE001  # servers have errors of their own for chunks that are none
            self.error = exc
            return most
        self._file.seek(0)
        return self._length

    def read(self, size: int = -1, /) -> bytes:
        return self._file.read(min(size, self._length))  # Django asks for as much as the length said before

    def readline(self, size: int = -1, /) -> bytes:
        return self._file.readline(min(size, self._length))


def with_bare_heads(application: WSGIApplication) -> WSGIApplication:
    """Answer HEAD by the headers alone, which is left to servers; gunicorn logs a warning for each."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        content = application(environ, start_response)
        if environ["REQUEST_METHOD"] != "HEAD":
            return content
        _close(content)
        return []

    return answer


def _close(content: Iterable[bytes]) -> None:
    if hasattr(content, "close"):
        content.close()


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
        _close(self._content)
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
