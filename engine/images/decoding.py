"""Turn a file into upright sRGB pixels, no bigger than asked where the format allows it."""

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil

import numpy as np
from PIL import BmpImagePlugin, GifImagePlugin, Image, ImageCms, ImageFile, JpegImagePlugin, PngImagePlugin

from engine.exceptions import RefusedPicture
from engine.images import gif, jpeg, png, refusals
from engine.images.checking import Outline, check_size, checked
from engine.images.limits import FORMATS, TRAINING, Limits

# The classes are named instead of Image.open: it would try whatever plugin feels concerned, such as MPO for a JPEG.
_READERS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
}
_HOSTILE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Warning,
)
"""What Pillow has been seen to raise on malformed files, and warnings where a process makes errors of them."""
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_PROFILE_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
_THUMBNAIL_QUALITY = 80
_BAND_PIXELS = 500_000
_STORED = Limits(formats=frozenset(FORMATS), max_bytes=TRAINING.max_bytes)


def decode(content: bytes, *, limits: Limits, shorter_side: int) -> Image.Image:
    """Return the upright RGB picture, first frame, sRGB; raise RefusedPicture for what `inspect` refuses or more.

    A JPEG is decoded at an eighth, a quarter or a half where its shorter side stays at least `shorter_side` pixels,
    which is many times cheaper. Whatever is then several times as large as asked is reduced by a whole number, to no
    less than twice `shorter_side`, so that memory stays below 256 MB up to 512 pixels asked. Transparency turns white.
    """
    outline = checked(content, limits=limits)
    with _refusing(outline.format):
        return _decoded(content, outline, limits=limits, shorter_side=shorter_side)


def thumbnail(content: bytes, *, side: int) -> bytes:
    """Return a JPEG of quality 80 that fits in side × side pixels: upright, sRGB, without metadata, never enlarged.

    Raises RefusedPicture as `decode` does, with the limits of a training image.
    """
    outline = checked(content, limits=_STORED)
    shorter = ceil(side * min(outline.upright) / max(outline.upright))
    with _refusing(outline.format):
        small = _decoded(content, outline, limits=_STORED, shorter_side=shorter)
        small.thumbnail((side, side))
        written = io.BytesIO()
        small.save(written, "JPEG", quality=_THUMBNAIL_QUALITY)
    return written.getvalue()


@contextmanager
def _refusing(name: str) -> Iterator[None]:
    """Turn whatever Pillow raises on a hostile file into a refusal."""
    try:
        yield
    except RefusedPicture:
        raise
    except _HOSTILE as error:
        refusal = refusals.truncated if "truncated" in str(error) else refusals.damaged
        raise refusal(name) from error


def _decoded(content: bytes, outline: Outline, *, limits: Limits, shorter_side: int) -> Image.Image:
    rgb = _srgb(*_read(content, outline, limits=limits, shorter_side=shorter_side))
    turn = _TURNS.get(outline.orientation)
    return rgb if turn is None else rgb.transpose(turn)


def _read(content: bytes, outline: Outline, *, limits: Limits, shorter_side: int) -> tuple[Image.Image, bytes | None]:
    """Return the picture as stored, reduced, in mode L, RGB or CMYK, and its colour profile if it has one.

    What Pillow decoded is gone on return: the next steps need its memory.
    """
    with _READERS[outline.format](io.BytesIO(_without_metadata(content, outline.format))) as image:
        # Should Pillow have understood other measures than we did.
        check_size(*image.size, outline=outline, limits=limits)
        if outline.format == "JPEG":
            image.draft(None, (shorter_side, shorter_side))
        image.load()
        return _reduced(image, factor=max(1, min(image.size) // (2 * shorter_side))), image.info.get("icc_profile")


def _without_metadata(content: bytes, name: str) -> bytes:
    """Keep from Pillow what it might stumble on: it shall see pixels and profile only."""
    if name == "JPEG":
        return jpeg.bare(content, jpeg.read_header(content))
    if name == "GIF":
        return gif.bare(content)
    return png.bare(content) if name == "PNG" else content


def _srgb(flat: Image.Image, profile: bytes | None) -> Image.Image:
    converted = _by_profile(flat, profile) if profile else None
    plain = converted or (flat if flat.mode == "RGB" else flat.convert("RGB"))
    # Its `info` would follow the picture into whatever is saved from it.
    plain.info = {}
    return plain


def _reduced(image: Image.Image, *, factor: int) -> Image.Image:
    """Return a new picture in mode L, RGB or CMYK, so many times smaller and on white where the given one is clear.

    Band by band, so that it is never held at full size once more.
    """
    if factor == 1 and image.mode in _PROFILE_SPACES and not image.has_transparency_data:
        return image.copy()
    rows = factor * ceil(_BAND_PIXELS / (factor * image.width))
    mode = _flat(image.crop((0, 0, 1, 1))).mode
    reduced = Image.new(mode, (ceil(image.width / factor), ceil(image.height / factor)))
    for top in range(0, image.height, rows):
        band = _flat(image.crop((0, top, image.width, min(top + rows, image.height))))
        reduced.paste(band.reduce(factor), (0, top // factor))
    return reduced


def _flat(image: Image.Image) -> Image.Image:
    """Return the picture in mode L, RGB or CMYK."""
    if image.mode.startswith("I"):
        return _eight_bits(image)
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        white = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(white, layered).convert("RGB")
    return image if image.mode in _PROFILE_SPACES else image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale 16-bit greys, 0 to 65,535, to 0 to 255: Pillow's own conversion clips them."""
    deep = np.asarray(image).astype(np.uint32)
    return Image.fromarray(((deep * 255 + 32_767) // 65_535).astype(np.uint8))


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    """Convert to sRGB; None when the profile is broken or meant for another kind of pixels."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != _PROFILE_SPACES[image.mode]:
            return None
        return ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
