"""The formats that the engine reads, each with whatever depends on the format."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PIL import BmpImagePlugin, GifImagePlugin, ImageFile, JpegImagePlugin, PngImagePlugin

from engine.images import bmp, gif, jpeg, png
from engine.images.outline import Outline


@dataclass(frozen=True)
class Format:
    """One format, and how it is read."""

    name: str
    """As Pillow names it, and as `sniffing.name_of` does."""
    content_type: str
    suffixes: tuple[str, ...]
    read: Callable[[bytes], Outline]
    """Reads a file to its end; raises RefusedPicture for one that is cut or makes no sense."""
    still: Callable[[bytes], bytes]
    """Gives what a decoder needs of a file that was read: its first frame alone."""
    reader: type[ImageFile.ImageFile]
    """Named instead of Image.open: that would try whatever plugin feels concerned, such as MPO for a JPEG."""


_ALL = (
    Format("JPEG", "image/jpeg", (".jpg", ".jpeg", ".jpe", ".jfif"), jpeg.read, bytes, JpegImagePlugin.JpegImageFile),
    Format("PNG", "image/png", (".png",), png.read, png.still, PngImagePlugin.PngImageFile),
    Format("BMP", "image/bmp", (".bmp",), bmp.read, bytes, BmpImagePlugin.BmpImageFile),
    Format("GIF", "image/gif", (".gif",), gif.read, gif.still, GifImagePlugin.GifImageFile),
)
FORMATS: Mapping[str, Format] = {each.name: each for each in _ALL}
"""By name, in the order in which people are told."""
SUFFIXES = frozenset(suffix for each in _ALL for suffix in each.suffixes)
"""Endings of the names of such files, in small letters."""
