"""JPEG files as a row of marker segments (ITU-T T.81, annex B), read and rewritten without touching the pixels."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from math import ceil
from typing import NamedTuple

from engine.exceptions import RefusedPicture
from engine.images import exif, refusals
from engine.images.outline import Outline

NAME = "JPEG"
_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_APP0, _APP1, _APP2, _APP14 = 0xE0, 0xE1, 0xE2, 0xEE
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = 0xC2
_ORDINARY = frozenset({0xC0, 0xC1, _PROGRESSIVE})
"""What browsers show: by discrete cosine transform and Huffman codes. Lossless and arithmetic files are never seen."""
_WHOLE_PIXEL = 4
"""Bytes of one in Pillow's memory."""
_MOST_SEGMENTS = 2_000
_MOST_SCANS = 50
"""Programs write about ten. Each scan may go over all pixels while it takes a handful of bytes."""
_TABLES = frozenset({0xC4, 0xCC, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF})
_EXIF = b"Exif\x00\x00"
_KNOWN = frozenset(range(0xC0, 0xF0)) | {0xFE}
"""The others are reserved: libjpeg gives up at them, or does not, depending on where they stand."""
_MARKER = re.compile(rb"\xff[^\x00\x01\xff\xd0-\xd7]")
"""Any but those that stand alone inside the data."""


class Segment(NamedTuple):
    marker: int
    """The second byte of the marker."""
    payload: bytes
    """What follows the two bytes of length."""

    def written(self) -> bytes:
        return bytes((0xFF, self.marker)) + (len(self.payload) + 2).to_bytes(2, "big") + self.payload


_END = Segment(_EOI, b"")
_Rest = Sequence[tuple[bytes | memoryview, Segment | None]]


def read(content: bytes) -> Outline:
    """Refuse a file that was cut before its last scan, or that would be decoded over and over.

    Where the end marker is not found, the last scan's data go up to something that no scan can hold.
    """
    segments, end = _read_header(content)
    rest = list(_after(content, end))
    scans = 1 + sum(segment is not None and segment.marker == _SOS for _, segment in rest)
    if scans > _MOST_SCANS:
        raise refusals.damaged(NAME)
    frame = _frame(segments)
    has_end = rest[-1][1] is _END
    if not has_end and not _is_told(frame, [segments[-1], *(segment for _, segment in rest if segment)]):
        raise refusals.truncated(NAME)
    width, height = int.from_bytes(frame.payload[3:5], "big"), int.from_bytes(frame.payload[1:3], "big")
    turned = _orientation(segments)
    bytes_per_pixel = _bytes_per_pixel(frame, segments[-1]) if has_end else _WHOLE_PIXEL
    return Outline(width, height, turned, bytes_per_pixel, _stripped(segments, turned, rest), has_end)


def _read_header(content: bytes) -> tuple[list[Segment], int]:
    """Return the segments up to the first SOS, and where its data begins."""
    segments = []
    position = 2
    for _ in range(_MOST_SEGMENTS):
        # Stray bytes are skipped, as libjpeg does.
        segment, position = _read_segment(content, _next_marker(content, position))
        segments.append(segment)
        if segment.marker == _SOS:
            return segments, position
    raise refusals.damaged(NAME)


def _next_marker(content: bytes, position: int) -> int:
    match = _MARKER.search(content, position)
    if match is None:
        raise refusals.truncated(NAME)
    return match.start()


def _read_segment(content: bytes, position: int) -> tuple[Segment, int]:
    """Read the segment that begins at the position, and where it ends."""
    marker = content[position + 1]
    if marker in (_SOI, _EOI) or marker not in _KNOWN:
        raise refusals.damaged(NAME)
    if position + 4 > len(content):
        raise refusals.truncated(NAME)
    end = position + 2 + int.from_bytes(content[position + 2 : position + 4], "big")
    if end < position + 4:
        raise refusals.damaged(NAME)
    if end > len(content):
        raise refusals.truncated(NAME)
    return Segment(marker, content[position + 4 : end]), end


def _bytes_per_pixel(frame: Segment, scan: Segment) -> int:
    """Return what a pixel takes before it is decoded at a reduced scale: nothing when one scan tells all of it.

    Else libjpeg keeps 16 bits of every sample until it has read all scans; four bytes at least, for the time it takes.
    """
    components = frame.payload[5]
    if frame.marker != _PROGRESSIVE and scan.payload[:1] == frame.payload[5:6]:
        return 0
    factors = [divmod(packed, 16) for packed in frame.payload[7 : 6 + 3 * components : 3]]
    pixels = max(across for across, _ in factors) * max(down for _, down in factors)
    samples = sum(across * down for across, down in factors)
    return max(_WHOLE_PIXEL, ceil(2 * samples / pixels))


def _is_told(frame: Segment, segments: Iterable[Segment]) -> bool:
    """Say whether the scans among the segments tell every coefficient of every component to its last bit."""
    scans = [segment.payload for segment in segments if segment.marker == _SOS]
    last_bits: dict[tuple[int, int], int] = {}
    for scan in scans:
        components = scan[1 : 1 + 2 * scan[0] : 2]
        first, last, bits = scan[-3:] if frame.marker == _PROGRESSIVE else (0, 63, 0)
        last_bits |= dict.fromkeys(product(components, range(first, last + 1)), bits & 15)
    wanted = product(frame.payload[6::3], range(64))
    return all(last_bits.get(each) == 0 for each in wanted)


def _frame(segments: Iterable[Segment]) -> Segment:
    """Return the segment that says the measures; refuse what is no ordinary JPEG."""
    frames = [segment for segment in segments if segment.marker in _FRAMES]
    if len(frames) != 1 or len(frames[0].payload) < 6:
        raise refusals.damaged(NAME)
    precision, components = frames[0].payload[0], frames[0].payload[5]
    if frames[0].marker not in _ORDINARY or precision != 8 or components not in (1, 3, 4):
        raise refusals.rare_jpeg()
    factors = frames[0].payload[7 : 6 + 3 * components : 3]
    if len(frames[0].payload) != 6 + 3 * components or not all(packed >> 4 and packed & 15 for packed in factors):
        raise refusals.damaged(NAME)
    return frames[0]


def _orientation(segments: Iterable[Segment]) -> int:
    """Return 1 to 8; the first EXIF segment decides, as in browsers."""
    for segment in segments:
        if segment.marker == _APP1 and segment.payload.startswith(_EXIF):
            return exif.orientation(segment.payload[len(_EXIF) :])
    return exif.UPRIGHT


def _stripped(header: Iterable[Segment], turned: int, rest: _Rest) -> bytes:
    segments = [needed for segment in header if (needed := _needed(segment))]
    if turned != exif.UPRIGHT:
        # JFIF wants to be the very first segment.
        place = 1 if segments[0].marker == _APP0 else 0
        segments.insert(place, Segment(_APP1, _EXIF + exif.minimal(turned)))
    parts: list[bytes | memoryview] = [b"\xff\xd8", *(segment.written() for segment in segments)]
    for data, segment in rest:
        parts.append(data)
        if segment and (needed := _needed(segment)):
            parts.append(needed.written())
    return b"".join((*parts, b"\xff\xd9"))


def _after(content: bytes, position: int) -> Iterator[tuple[bytes | memoryview, Segment | None]]:
    """Give compressed data, and the segment behind it; the last is the end marker, or None where it is missing.

    Bytes that follow another segment than the start of a scan belong to nothing, and FF before a marker fills up: were
    they kept when the segment goes, they would mean something else.
    """
    is_scan = True
    for _ in range(_MOST_SEGMENTS):
        match = _MARKER.search(content, position)
        marker = match.start() if match else len(content)
        data = _without_fill(memoryview(content)[position:marker]) if is_scan else b""
        if match and content[marker + 1] == _EOI:
            yield data, _END
            return
        try:
            segment, position = _read_segment(content, marker) if match else (None, position)
        except RefusedPicture:  # what phones and disks leave behind a picture
            segment = None
        yield data, segment
        if segment is None:
            return
        is_scan = segment.marker == _SOS
    raise refusals.damaged(NAME)


def _without_fill(data: memoryview) -> bytes | memoryview:
    """Return the data up to the FF at its end; copied only where there are any, for there are millions of bytes."""
    return bytes(data).rstrip(b"\xff") if data and data[-1] == 0xFF else data


def _needed(segment: Segment) -> Segment | None:
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
