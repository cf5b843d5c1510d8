"""A request's body in chunks, taken apart as its bytes come: see RFC 9112, 7.1."""

import re

from gunicorn.http.errors import ChunkMissingTerminator, InvalidChunkExtension, InvalidChunkSize

MOST_LINE_BYTES = 4096
FREE_FRAMING_BYTES = 64 * 1024
"""Of sizes, extensions and trailers; beyond that they may be no longer than the content."""

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[\t ]*(;[\t\x20-\x7e\x80-\xff]*)?")
_TRAILER = re.compile(rb"[!-9;-~]+:[\t\x20-\x7e\x80-\xff]*")


class BodyTooLong(Exception):
    """More than the limit has come, or was announced."""


class Chunks:
    """Takes the bytes of the body, and returns its content.

    It is strict, lest a proxy read it otherwise and find another request in it.
    """

    def __init__(self, limit: int) -> None:
        self.size = 0
        """Bytes of content that have come, with what the last size line announced."""
        self.is_whole = False
        self._limit = limit
        self._raw = bytearray()
        self._missing = 0  # of the content of this chunk
        self._framing = 0
        self._take_line = self._take_size

    def take(self, data: bytes) -> bytes:
        """Return the content in that data. Raises BodyTooLong and gunicorn's errors."""
        self._raw += data
        content = bytearray()
        while self._raw and not self.is_whole:
            if self._missing:
                part = self._raw[: self._missing]
                del self._raw[: len(part)]
                self._missing -= len(part)
                content += part
            elif (line := self._next_line()) is not None:
                self._take_line(line)
            else:
                break
        return bytes(content)

    def behind(self) -> bytes:
        """Return what came behind the body: the next request."""
        return bytes(self._raw)

    def _next_line(self) -> bytes | None:
        end = self._raw.find(b"\r\n", 0, MOST_LINE_BYTES)
        if end < 0:
            if len(self._raw) >= MOST_LINE_BYTES:
                raise InvalidChunkSize(bytes(self._raw[:20]))
            return None
        line = bytes(self._raw[:end])
        del self._raw[: end + 2]
        self._framing += end + 2
        if self._framing > FREE_FRAMING_BYTES + self.size:
            raise InvalidChunkExtension(line[:20])
        return line

    def _take_size(self, line: bytes) -> None:
        found = _SIZE.fullmatch(line)
        if not found:
            raise InvalidChunkSize(line[:20])
        self._missing = int(found[1], 16)
        self.size += self._missing
        if self.size > self._limit:
            raise BodyTooLong
        self._take_line = self._take_end if self._missing else self._take_trailer

    def _take_end(self, line: bytes) -> None:
        if line:
            raise ChunkMissingTerminator(line[:20])
        self._take_line = self._take_size

    def _take_trailer(self, line: bytes) -> None:
        """Drop a trailer: nothing here looks for one."""
        if line and not _TRAILER.fullmatch(line):
            raise InvalidChunkExtension(line[:20])
        self.is_whole = not line
