"""Let a picture in, or refuse it, by its file's structure alone: no pixel is decoded, unless its end is missing."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

from engine.images import mending, refusals, sniffing
from engine.images.formats import FORMATS
from engine.images.limits import MAX_DECODED_BYTES, MAX_PIXELS, Limits
from engine.images.outline import Outline

_QUARTER_TURNS = frozenset({5, 6, 7, 8})


@dataclass(frozen=True)
class AdmittedPicture:
    """A picture within the limits of its entrance, to be decoded or stored without another look at its file."""

    original: bytes = field(repr=False)
    """As it was given."""
    content: bytes = field(repr=False)
    """Without EXIF, GPS, XMP, IPTC, comments, thumbnails and whatever followed its end; admitted again, it stays so."""
    format: str
    """One of FORMATS, by content."""
    width: int
    """Pixels, upright: after the EXIF orientation."""
    height: int
    orientation: int
    """EXIF, 1 to 8."""

    @cached_property
    def sha256(self) -> str:
        """64 hexadecimal digits of the content."""
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def original_sha256(self) -> str:
        """64 hexadecimal digits of the original."""
        return hashlib.sha256(self.original).hexdigest()

    @property
    def stored_size(self) -> tuple[int, int]:
        """(width, height) before the EXIF orientation."""
        return _turned(self.width, self.height, self.orientation)


def admit(content: bytes, *, limits: Limits) -> AdmittedPicture:
    """Return the picture free of its metadata, or raise RefusedPicture; milliseconds for what a camera makes.

    A JPEG without its end is decoded to see whether a pixel is missing, which takes a second for a large one.

    A picture that is admitted may still be refused by `decode`, when its pixels turn out to be damaged.
    """
    check_byte_size(len(content), limits=limits)
    name = check_format(content, limits=limits)
    outline = FORMATS[name].read(content)
    _check_measures(name, outline, limits=limits)
    if not outline.has_end:
        closed = mending.close(outline.stripped, orientation=outline.orientation)
        outline = outline._replace(stripped=FORMATS[name].read(closed).stripped)
    width, height = _turned(outline.width, outline.height, outline.orientation)
    # Mostly nothing is left to strip: then memory holds the bytes once.
    bare = content if outline.stripped == content else outline.stripped
    return AdmittedPicture(content, bare, name, width, height, outline.orientation)


def check_format(start: bytes, *, limits: Limits) -> str:
    """Return the format's name in FORMATS, by a file's first 4096 bytes or all of it; raise RefusedPicture."""
    if not start:
        raise refusals.empty()
    name = sniffing.name_of(start)
    if name is None or name not in sniffing.PICTURES:
        raise refusals.not_an_image(name, accepted=limits.accepted)
    if name not in limits.formats:
        raise refusals.wrong_format(name, accepted=limits.accepted)
    return name


def check_byte_size(byte_size: int, *, limits: Limits) -> None:
    """Raise RefusedPicture for a file that is too heavy; callers that know its size can ask before they read it."""
    if byte_size > limits.max_bytes:
        raise refusals.too_many_bytes(byte_size, limit=limits.max_bytes)


def _check_measures(name: str, outline: Outline, *, limits: Limits) -> None:
    """Raise RefusedPicture for measures that are beyond the limits or nonsense."""
    width, height = outline.width, outline.height
    if width < 1 or height < 1:
        raise refusals.damaged(name)
    if max(width, height) > limits.max_side:
        raise refusals.too_many_pixels_on_a_side(width, height, limit=limits.max_side)
    if max(width, height) > limits.max_aspect * min(width, height):
        raise refusals.too_elongated(width, height, limit=limits.max_aspect)
    limit = min(MAX_PIXELS, MAX_DECODED_BYTES // (outline.bytes_per_pixel or 1))
    if width * height > limit:
        raise refusals.decompression_bomb(width, height, format=name, limit=limit)


def _turned(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Return the measures of the upright picture from those as stored, or the other way round."""
    return (height, width) if orientation in _QUARTER_TURNS else (width, height)
