"""Check a picture from its header alone: no pixel is decoded."""

import hashlib
from dataclasses import dataclass

from engine.exceptions import RefusedPicture
from engine.images import bmp, exif, gif, jpeg, png, refusals, sniffing
from engine.images.limits import FORMATS, MAX_DECODED_BYTES, MAX_PIXELS, Facts, Limits

_QUARTER_TURNS = frozenset({5, 6, 7, 8})


@dataclass(frozen=True)
class Outline:
    """What the header says of the picture as stored."""

    format: str
    width: int
    height: int
    orientation: int
    """EXIF, 1 to 8."""
    bytes_per_pixel: int
    """What decoding takes of memory for each pixel as stored."""

    @property
    def upright(self) -> tuple[int, int]:
        """(width, height) once turned as the orientation says."""
        if self.orientation in _QUARTER_TURNS:
            return self.height, self.width
        return self.width, self.height


def inspect(content: bytes, *, limits: Limits) -> Facts:
    """Return what the picture is, or raise RefusedPicture; milliseconds for what a camera makes.

    A picture that passes may still be refused by `decode`, when its pixels turn out to be damaged.
    """
    outline = checked(content, limits=limits)
    width, height = outline.upright
    return Facts(
        format=outline.format,
        width=width,
        height=height,
        byte_size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def checked(content: bytes, *, limits: Limits) -> Outline:
    """Return the outline of a picture within the limits, or raise RefusedPicture; cheapest checks first."""
    if not content:
        raise refusals.empty()
    check_byte_size(len(content), limits=limits)
    name = sniffing.name_of(content)
    if name is None or name not in sniffing.PICTURES:
        raise refusals.not_an_image(name, accepted=limits.accepted)
    if name not in limits.formats:
        raise refusals.wrong_format(name, accepted=limits.accepted)
    return _sized(content, name, limits=limits)


def check_byte_size(byte_size: int, *, limits: Limits) -> None:
    """Raise RefusedPicture for a file that is too heavy; callers that know its size can ask before they read it."""
    if byte_size > limits.max_bytes:
        raise refusals.too_many_bytes(byte_size, limit=limits.max_bytes)


def _sized(content: bytes, name: str, *, limits: Limits) -> Outline:
    outline = _outline(content, name)
    check_size(outline.width, outline.height, outline=outline, limits=limits)
    return outline


def _outline(content: bytes, name: str) -> Outline:
    """Read the file to its end, so that one that was cut is refused here."""
    if name == jpeg.NAME:
        header = jpeg.read_header(content)
        jpeg.check_scans(content, header)
        return Outline(name, *jpeg.size(header), jpeg.orientation(header), jpeg.bytes_per_pixel(header))
    if name == png.NAME:
        return Outline(name, *png.size(content), png.orientation(content), png.bytes_per_pixel(content))
    if name == gif.NAME:
        gif.check_end(content)
        return Outline(name, *gif.size(content), exif.UPRIGHT, gif.bytes_per_pixel())
    return Outline(name, *bmp.size(content), exif.UPRIGHT, bmp.bytes_per_pixel(content))


def check_size(width: int, height: int, *, outline: Outline, limits: Limits) -> None:
    """Raise RefusedPicture for measures, in pixels, that are beyond the limits or nonsense."""
    if width < 1 or height < 1:
        raise refusals.damaged(outline.format)
    if max(width, height) > limits.max_side:
        raise refusals.too_many_pixels_on_a_side(width, height, limit=limits.max_side)
    if max(width, height) > limits.max_aspect * min(width, height):
        raise refusals.too_elongated(width, height, limit=limits.max_aspect)
    limit = min(MAX_PIXELS, MAX_DECODED_BYTES // (outline.bytes_per_pixel or 1))
    if width * height > limit:
        raise refusals.decompression_bomb(width, height, found=outline.format, limit=limit)


def strip_metadata(content: bytes) -> bytes:
    """Return the same picture without EXIF, GPS, XMP, IPTC, comments, thumbnails and whatever follows its end.

    The compressed pixels are the same bytes; orientation and colour profile stay. Stripping twice changes nothing more.
    BMP, which carries none of these, comes back as it is. Raises RefusedPicture when the file is malformed; sets no
    limit to size: the caller has inspected.
    """
    name = sniffing.name_of(content)
    if name == jpeg.NAME:
        return jpeg.stripped(content)
    if name == png.NAME:
        return png.stripped(content)
    if name == gif.NAME:
        return gif.stripped(content)
    if name == bmp.NAME:
        return content
    raise _unreadable(name)


def _unreadable(name: str | None) -> RefusedPicture:
    accepted = ", ".join(FORMATS)
    if name in sniffing.PICTURES:
        return refusals.wrong_format(str(name), accepted=accepted)
    return refusals.not_an_image(name, accepted=accepted)
