"""JPEG files as a row of marker segments (ITU-T T.81, annex B), read and rewritten without touching the pixels."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from engine.images import exif, refusals

NAME = "JPEG"
_SOI, _EOI, _SOS, _TEM = 0xD8, 0xD9, 0xDA, 0x01
_APP0, _APP1, _APP2, _APP14 = 0xE0, 0xE1, 0xE2, 0xEE
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_TABLES = frozenset({0xC4, 0xCC, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF})
_RESTARTS = frozenset(range(0xD0, 0xD8))
_EXIF = b"Exif\x00\x00"
_MARKER_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


class Segment(NamedTuple):
    marker: int
    """The second byte of the marker."""
    payload: bytes
    """What follows the two bytes of length."""

    def written(self) -> bytes:
        return bytes((0xFF, self.marker)) + (len(self.payload) + 2).to_bytes(2, "big") + self.payload


class Header(NamedTuple):
    """Everything before the first scan's data."""

    segments: tuple[Segment, ...]
    """In order; the last is the first SOS."""
    end: int
    """Where the scan's data begins."""


def read_header(content: bytes) -> Header:
    """Split the part before the pixels; raise RefusedPicture when it is cut short or makes no sense."""
    segments = []
    position = 2
    while True:
        segment, position = _read_segment(content, position)
        if segment is None:
            continue
        segments.append(segment)
        if segment.marker == _SOS:
            return Header(tuple(segments), position)


def _read_segment(content: bytes, position: int) -> tuple[Segment | None, int]:
    """Read one segment and where the next begins; None for a lone marker. Skips stray bytes, as libjpeg."""
    position = content.find(b"\xff", position)
    if position < 0 or position + 4 > len(content):
        raise refusals.truncated(NAME)
    marker = content[position + 1]
    if marker in (0x00, 0xFF, _TEM) or marker in _RESTARTS:
        return None, position + (1 if marker == 0xFF else 2)
    if marker in (_SOI, _EOI):
        raise refusals.damaged(NAME)
    end = position + 2 + int.from_bytes(content[position + 2 : position + 4], "big")
    if end < position + 4:
        raise refusals.damaged(NAME)
    if end > len(content):
        raise refusals.truncated(NAME)
    return Segment(marker, content[position + 4 : end]), end


def size(header: Header) -> tuple[int, int]:
    """Return (width, height) in pixels as stored, before the orientation."""
    for segment in header.segments:
        if segment.marker in _FRAMES and len(segment.payload) >= 6:
            height = int.from_bytes(segment.payload[1:3], "big")
            return int.from_bytes(segment.payload[3:5], "big"), height
    raise refusals.damaged(NAME)


def orientation(header: Header) -> int:
    """Return 1 to 8; the first EXIF segment decides, as in browsers."""
    for segment in header.segments:
        if segment.marker == _APP1 and segment.payload.startswith(_EXIF):
            return exif.orientation(segment.payload[len(_EXIF) :])
    return exif.UPRIGHT


def check_end(content: bytes, header: Header) -> None:
    """Refuse a file that was cut before its end marker; costs nothing for a whole one."""
    if content.rfind(b"\xff\xd9", header.end) < 0:
        raise refusals.truncated(NAME)


def bare(content: bytes, header: Header) -> bytes:
    """Return the file for a decoder: without metadata in its header, orientation included."""
    kept = (segment.written() for segment in map(_kept, header.segments) if segment)
    return b"\xff\xd8" + b"".join(kept) + content[header.end :]


def stripped(content: bytes) -> bytes:
    """Return the file without metadata: orientation, colour profile and compressed pixels stay as they are."""
    header = read_header(content)
    segments = [kept for segment in header.segments if (kept := _kept(segment))]
    turned = orientation(header)
    if turned != exif.UPRIGHT:
        # JFIF wants to be the very first segment.
        place = 1 if segments[0].marker == _APP0 else 0
        segments.insert(place, Segment(_APP1, _EXIF + exif.minimal(turned)))
    written = (segment.written() for segment in segments)
    return b"".join((b"\xff\xd8", *written, *_scans(content, header.end)))


def _scans(content: bytes, start: int) -> Iterator[bytes]:
    """Give the compressed data and the tables between the scans, up to the end marker and not a byte further."""
    position = start
    while True:
        found = _MARKER_AFTER_SCAN.search(content, position)
        if found is None:
            raise refusals.truncated(NAME)
        yield content[position : found.start()]
        if content[found.start() + 1] == _EOI:
            yield b"\xff\xd9"
            return
        segment, position = _read_segment(content, found.start())
        kept = segment and _kept(segment)
        if kept:
            yield kept.written()


def _kept(segment: Segment) -> Segment | None:
    """Return the segment as far as the pixels need it, or None."""
    marker, payload = segment
    if marker in _TABLES or marker in _FRAMES or marker == _SOS:
        return segment
    if marker == _APP0 and payload.startswith(b"JFIF\x00") and len(payload) >= 14:
        return Segment(_APP0, payload[:12] + b"\x00\x00")  # no thumbnail
    if marker == _APP2 and payload.startswith(b"ICC_PROFILE\x00"):
        return segment
    if marker == _APP14 and payload.startswith(b"Adobe") and len(payload) >= 12:
        return Segment(_APP14, payload[:12])
    return None
