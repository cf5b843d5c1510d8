"""A client of `classifr.patient_worker`: what has come of its request, and what it has not taken of the answer."""

import io
import socket
from collections.abc import Callable
from contextlib import suppress
from tempfile import SpooledTemporaryFile, TemporaryFile
from typing import IO, Any

from gunicorn import util
from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import LimitRequestHeaders, UnsupportedTransferCoding
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import Unreader
from gunicorn.workers.gthread import TConn

from classifr.chunks import BodyTooLong, Chunks

END_OF_HEAD = b"\r\n\r\n"
MOST_HEAD_BYTES = 64 * 1024
MOST_BYTES_IN_MEMORY = 64 * 1024  # of one answer; the rest is in a temporary file
BYTES_AT_ONCE = 256 * 1024
PIECE_BYTES = 64 * 1024  # of a body in memory, at least


class Arriving:
    """What has come of a body: in memory, until it is told to leave it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._file: IO[bytes] | None = None

    def write(self, data: bytes) -> None:
        """Add to it. Raises OSError."""
        if self._file:
            self._file.write(data)
        elif self._pieces and len(self._pieces[-1]) < PIECE_BYTES:  # a client may send it byte by byte
            self._pieces[-1] += data
        else:
            self._pieces.append(data)

    def leave_memory(self) -> None:
        """Go on in a temporary file. Raises OSError."""
        if self._file is None:
            self._file = TemporaryFile()  # noqa: SIM115  # closed with the request
            self._file.writelines(self._pieces)
            self._pieces.clear()

    def whole(self) -> IO[bytes]:
        """Return all of it, to be read from its beginning."""
        if self._file:
            self._file.seek(0)
            return self._file
        joined = b"".join(self._pieces)
        self._pieces.clear()
        return io.BytesIO(joined)

    def close(self) -> None:
        self._pieces.clear()
        _close(self._file)


class Gathered(Unreader):  # type: ignore[misc]  # gunicorn has no types
    """What the parser reads from: what has come, never the socket."""

    def chunk(self, size_hint: int | None = None) -> bytes:
        return b""


class PreparedParser(RequestParser):  # type: ignore[misc]
    """gunicorn's parser; the event loop asks it first, and the thread gets the same request."""

    def __init__(self, cfg: Any, client: Any) -> None:
        super().__init__(cfg, (), client)
        self.unreader = Gathered()
        self.prepared: Any = None
        self._body: IO[bytes] | None = None

    def prepare(self) -> Any:
        """Parse the head that has been gathered; raise gunicorn's errors."""
        self.prepared = super().__next__()
        return self.prepared

    def __next__(self) -> Any:
        prepared, self.prepared = self.prepared, None
        return prepared

    def give(self, body: IO[bytes]) -> None:
        """Let the application read this as the body of the request that was prepared."""
        self._body = self.prepared.body = body

    def finish_body(self, deadline: float | None = None, max_bytes: int | None = None) -> bool:
        """Skip what nobody read of the body: all of it is here, so gunicorn's bounds for slow clients are not kept."""
        return self._body is not None or bool(super().finish_body())

    def forget(self) -> None:
        """Let go of the request that was answered."""
        _close(self._body)
        self._body = self.mesg = None


class Outbox:
    """Stands for the socket in a thread: sends what the client takes at once, and keeps the rest for the event loop."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._kept: IO[bytes] | None = None
        self._part = memoryview(b"")  # read from what is kept, and not sent yet
        self.size = 0
        """Bytes kept."""

    def sendall(self, data: bytes) -> None:
        rest = memoryview(data)
        if self._kept is None:
            rest = rest[self._send(rest) :]
            if not rest:
                return
            self._kept = SpooledTemporaryFile(MOST_BYTES_IN_MEMORY)  # noqa: SIM115  # closed once it is sent
        self._kept.write(rest)
        self.size += len(rest)

    def sendfile(self, file: IO[bytes], offset: int = 0, count: int | None = None) -> None:
        file.seek(offset)
        left = count or 0
        while left and (data := file.read(min(left, BYTES_AT_ONCE))):
            self.sendall(data)
            left -= len(data)

    def rewind(self) -> None:
        """Begin to send what was kept."""
        if self._kept:
            self._kept.seek(0)

    def flush(self) -> bool:
        """Send what the client takes now; True once all is sent. Raises OSError."""
        while self._kept:
            self._part = self._part or memoryview(self._kept.read(BYTES_AT_ONCE))
            if not self._part:
                self._forget()
                break
            sent = self._send(self._part)
            self._part = self._part[sent:]
            if not sent:
                return False
        return True

    def _send(self, data: memoryview) -> int:
        try:
            return self.socket.send(data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0

    def _forget(self) -> None:
        _close(self._kept)
        self._kept, self.size = None, 0

    # What else gunicorn asks of a socket

    def fileno(self) -> int:
        return self.socket.fileno()

    def recv(self, size: int) -> bytes:
        return self.socket.recv(size, socket.MSG_DONTWAIT)

    def shutdown(self, how: int) -> None:
        self.socket.shutdown(how)

    def gettimeout(self) -> float:
        return 0.0

    def settimeout(self, timeout: float | None) -> None:
        """Nothing here waits."""

    setblocking = settimeout

    def close(self) -> None:
        self._forget()
        self.socket.close()


class PatientConnection(TConn):  # type: ignore[misc]
    """A client, and what has come of its request."""

    sock: Outbox
    parser: PreparedParser

    def __init__(self, cfg: Any, sock: socket.socket, client: Any, server: Any) -> None:
        super().__init__(cfg, sock, client, server)
        self.sock = Outbox(sock)
        self.parser = PreparedParser(cfg, client)
        self.initialized = True
        self.deadline = 0.0
        self.began = 0.0
        """When the body began to come."""
        self.head = bytearray()
        self.body: Arriving | None = None
        """While it comes."""
        self.missing = 0
        """Bytes of the body that have not come yet, as far as that is known: 0 with chunks."""
        self.chunks: Chunks | None = None
        self.held = 0
        """Bytes of the body that are here."""
        self.is_refused = False
        """Whether the body of this request is not wanted: it is answered at once, and the connection ends."""

    def receive(self) -> bytes:
        """Return what has come. Raises BlockingIOError where nothing has, EOFError at the end."""
        data = self.sock.recv(min(self.missing or BYTES_AT_ONCE, BYTES_AT_ONCE) if self.body else MOST_HEAD_BYTES)
        if not data:
            raise EOFError
        return data

    def take_head(self, data: bytes) -> bool:
        """Add to the head; True once it is whole."""
        searched = max(0, len(self.head) - len(END_OF_HEAD) + 1)
        self.head += data
        end = self.head.find(END_OF_HEAD, searched)
        if (end if end >= 0 else len(self.head)) > MOST_HEAD_BYTES:
            raise LimitRequestHeaders(f"more than {MOST_HEAD_BYTES} bytes of headers")
        return end >= 0

    def begin_body(self, body_limit_of: Callable[[str], int]) -> bool:
        """Parse the head; True where the body is to be gathered, False where it is here or not wanted."""
        unreader = self.parser.unreader
        unreader.unread(bytes(self.head))
        self.head.clear()
        request = self.parser.prepare()
        reader = request.body.reader
        waits, request._expected_100_continue = request._expected_100_continue, False  # noqa: SLF001  # answered here
        if isinstance(reader, ChunkedReader):
            _check_coding(request)
            self.chunks = Chunks(body_limit_of(request.path))
        elif reader.length and reader.length > body_limit_of(request.path):
            self._refuse(request)
            return False
        elif reader.length <= len(unreader.buf.getvalue()):
            return False
        else:
            self.missing = reader.length
        if waits:
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.body = Arriving()
        return True

    def take_body(self, data: bytes) -> bool:
        """Add to the body; True once it is whole, or not wanted any more."""
        if self.chunks:
            try:
                data = self.chunks.take(data)
            except BodyTooLong:
                self._refuse(self.parser.prepared)
                return True
        else:
            self.missing -= len(data)
        self.body.write(data)  # type: ignore[union-attr]  # it has begun
        self.held += len(data)
        return self.chunks.is_whole if self.chunks else self.missing == 0

    def _refuse(self, request: Any) -> None:
        """Hand the request over without its body: the application has a page for it."""
        self.is_refused = True
        request.force_close()
        self.parser.unreader.take_buffered()
        self.forget_body()

    def end_body(self) -> None:
        """Hand the body over with the request, if it did not come with the head."""
        if self.chunks:
            _say_length(self.parser.prepared, self.chunks.size)
            self.parser.unreader.unread(b"" if self.is_refused else self.chunks.behind())
        if self.body or self.chunks:
            self.parser.give(self.body.whole() if self.body else io.BytesIO())
        self.body = self.chunks = None

    def forget_body(self) -> None:
        if self.body:
            self.body.close()
        self.body = None

    def close(self, graceful: bool = False) -> None:  # noqa: FBT001, FBT002  # as gunicorn calls it
        self.parser.forget()
        self.forget_body()
        util.close(self.sock)


def _check_coding(request: Any) -> None:
    """Raise gunicorn's error for any coding beside chunks, which it would hand over as it is."""
    codings = [value.lower() for name, value in request.headers if name == "TRANSFER-ENCODING"]
    if codings != ["chunked"]:
        raise UnsupportedTransferCoding(", ".join(codings))


def _say_length(request: Any, size: int) -> None:
    """Make it a request that came with its length, as Django understands no other."""
    others = [(name, value) for name, value in request.headers if name not in ("TRANSFER-ENCODING", "TRAILER")]
    request.headers = [*others, ("CONTENT-LENGTH", str(size))]


def _close(file: IO[bytes] | None) -> None:
    """Let go of a temporary file; a full disk refuses its last bytes even now."""
    if file:
        with suppress(OSError):
            file.close()
