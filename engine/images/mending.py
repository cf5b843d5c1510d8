"""JPEG files whose end is missing, or stands where pixels should: whole if every pixel came from the file."""

import hashlib
import io
import random
from collections.abc import Iterator

from PIL import Image, JpegImagePlugin

from engine.images import exif, refusals
from engine.images.hostility import refusing

END = b"\xff\xd9"
_SCAN = b"\xff\xda"
_RANDOM = random.Random(0)  # noqa: S311  # nothing is kept secret by it
_FILLING = b"".join(bytes(_RANDOM.choices(range(1, 255), k=64)) + bytes((0xFF, 0xD0 + n % 8)) for n in range(64))
"""With the markers between which restarts stand: where one is missing, libjpeg reads no further."""
_BAND_PIXELS = 500_000
_NOTHING = frozenset({127, 128})
"""What libjpeg puts where it has no more data, as stored and as Adobe's programs turn it round."""


def close(content: bytes, *, orientation: int) -> bytes:
    """Return a JPEG with its end and the same pixels, but for what it takes to write them again.

    content: with an end marker behind data that may end early, or be followed by what is no picture; nothing of that is
    in the answer. It is decoded twice, once with a filling before the end: what is missing would be read from there.
    Raises RefusedPicture where that shows, or nothing can be decoded.
    """
    with refusing("JPEG"):
        data = content.removesuffix(END)
        bare = _without_padding(data)
        # Zeros may be the pixels of one flat colour: then none is too many.
        if not (_is_whole(bare) or (bare != data and _is_whole(data) and not _is_whole(data[:-1]))):
            raise refusals.truncated("JPEG")
        with _opened(content) as image:
            written = io.BytesIO()
            profile, turn = image.info.get("icc_profile"), b"Exif\x00\x00" + exif.minimal(orientation)
            image.save(written, "JPEG", quality="keep", icc_profile=profile, exif=turn)
    return written.getvalue()


def check_not_cut(content: bytes, decoded: Image.Image, *, shorter_side: int) -> None:
    """Raise RefusedPicture for data that ended before the last pixel, though an end marker stands behind them.

    decoded: of this content, at the scale for that side. Where its last pixel is as libjpeg leaves it, the content is
    decoded once more.
    """
    last = decoded.getpixel((decoded.width - 1, decoded.height - 1))
    if not _NOTHING.issuperset(last if isinstance(last, tuple) else (last,)):
        return
    with _opened(content.removesuffix(END) + _FILLING + END) as image:
        image.draft(None, (shorter_side, shorter_side))
        if image.tobytes() != decoded.tobytes():
            raise refusals.truncated("JPEG")


def _without_padding(data: bytes) -> bytes:
    """Return the data less the zeros behind it, which could stand for pixels; FF 00 is a byte of data."""
    header = data.rfind(_SCAN)
    start = header + 2 + int.from_bytes(data[header + 2 : header + 4], "big")
    bare = data[:start] + data[start:].rstrip(b"\x00")
    return data[: len(bare) + 1] if bare.endswith(b"\xff") else bare


def _is_whole(data: bytes) -> bool:
    """Say whether the pixels are the same, whatever follows the data."""
    return _digest(data + _FILLING + END) == _digest(data + END)


def _digest(content: bytes) -> bytes:
    """Return a digest of all pixels, which are held once."""
    digest = hashlib.sha256()
    with _opened(content) as image:
        for band in _bands(image):
            digest.update(band)
    return digest.digest()


def _opened(content: bytes) -> JpegImagePlugin.JpegImageFile:
    return JpegImagePlugin.JpegImageFile(io.BytesIO(content))


def _bands(image: JpegImagePlugin.JpegImageFile) -> Iterator[bytes]:
    rows = max(1, _BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height))).tobytes()
