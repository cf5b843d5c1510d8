"""Turn a file into upright sRGB pixels, no bigger than asked where the format allows it."""

import io
from math import ceil

import numpy as np
from PIL import Image, ImageCms

from engine.images import mending, refusals
from engine.images.admission import AdmittedPicture
from engine.images.formats import FORMATS
from engine.images.hostility import refusing

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


def decode(picture: AdmittedPicture, *, shorter_side: int) -> Image.Image:
    """Return the upright RGB picture, first frame, sRGB; raise RefusedPicture where its pixels are damaged.

    A JPEG is decoded at an eighth, a quarter or a half where its shorter side stays at least `shorter_side` pixels,
    which is many times cheaper. Whatever is then several times as large as asked is reduced by a whole number, to no
    less than twice `shorter_side`, so that memory stays below 256 MB up to 512 pixels asked. Transparency turns white.
    """
    with refusing(picture.format):
        return _decoded(picture, shorter_side=shorter_side, cut=False)


def thumbnail(picture: AdmittedPicture, *, side: int) -> bytes:
    """Return a JPEG of quality 80 that fits in side × side pixels: upright, sRGB, without metadata, never enlarged.

    Raises RefusedPicture as `decode` does, but shows what is there of a JPEG that was cut: what is thought of one whose
    last block alone is damaged could differ between two scales.
    """
    shorter = ceil(side * min(picture.stored_size) / max(picture.stored_size))
    with refusing(picture.format):
        small = _decoded(picture, shorter_side=shorter, cut=True)
        small.thumbnail((side, side))
        written = io.BytesIO()
        small.save(written, "JPEG", quality=_THUMBNAIL_QUALITY)
    return written.getvalue()


def _decoded(picture: AdmittedPicture, *, shorter_side: int, cut: bool) -> Image.Image:
    rgb = _srgb(*_read(picture, shorter_side=shorter_side, cut=cut))
    turn = _TURNS.get(picture.orientation)
    return rgb if turn is None else rgb.transpose(turn)


def _read(picture: AdmittedPicture, *, shorter_side: int, cut: bool) -> tuple[Image.Image, bytes | None]:
    """Return the picture as stored, reduced, in mode L, RGB or CMYK, and its colour profile if it has one.

    cut: whether a JPEG may end before its last pixel.

    What Pillow decoded is gone on return: the next steps need its memory.
    """
    format = FORMATS[picture.format]
    with format.reader(io.BytesIO(format.still(picture.content))) as image:
        # Should Pillow have understood other measures than we did: those were not held against the limits.
        if image.size != picture.stored_size:
            raise refusals.damaged(picture.format)
        if picture.format == "JPEG":
            image.draft(None, (shorter_side, shorter_side))
        image.load()
        if picture.format == "JPEG" and not cut:
            mending.check_not_cut(picture.content, image, shorter_side=shorter_side)
        return _reduced(image, factor=max(1, min(image.size) // (2 * shorter_side))), image.info.get("icc_profile")


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
