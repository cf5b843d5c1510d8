"""Name a file by its first bytes; its name and declared type are never believed."""

import re

from engine.images.formats import FORMATS

PICTURES = FORMATS.keys() | {"WebP", "HEIC", "AVIF", "TIFF", "SVG", "JPEG 2000", "JPEG XL", "ICO", "PSD"}
"""Names that mean a picture, readable here or not; the other names mean another kind of file."""

_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x01\x00", "ICO"),
    (b"8BPS", "PSD"),
    (b"%PDF-", "PDF"),
    (b"PK\x03\x04", "ZIP"),
    (b"PK\x05\x06", "ZIP"),
    (b"\x1f\x8b", "GZIP"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"Rar!\x1a\x07", "RAR"),
    (b"\x7fELF", "ELF"),
    (b"MZ", "EXE"),
)
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF", b"qt  ": "QuickTime"}
_HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
_BMP_HEADER_SIZES = {12, 16, 40, 52, 56, 64, 108, 124}
# Possessive, or else a file of many comments takes years to be no SVG.
_SVG = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:(?><!--.*?-->)\s*+)*+(?:<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]",
    re.DOTALL,
)
_MARKUP = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|body|script)", re.IGNORECASE)
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def name_of(content: bytes) -> str | None:
    """Return the name of a format, such as "JPEG", "HEIC" or "PDF"; None when it is like nothing known."""
    for magic, name in _MAGIC:
        if content.startswith(magic):
            return name
    return _by_structure(content) or _by_text(content[:4096])


def _by_structure(content: bytes) -> str | None:
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WebP"
    if content[4:8] == b"ftyp":
        brand = content[8:12]
        return "HEIC" if brand in _HEIC_BRANDS else _BRANDS.get(brand, "MP4")
    if content[:2] == b"BM" and int.from_bytes(content[14:18], "little") in _BMP_HEADER_SIZES:
        return "BMP"
    return None


def _by_text(start: bytes) -> str | None:
    if _SVG.match(start):
        return "SVG"
    if _MARKUP.match(start):
        return "HTML"
    if _BINARY.search(start):
        return None
    try:
        # The cut may fall inside a character: three bytes of grace.
        start[:-3].decode() if len(start) > 3 else start.decode()
    except UnicodeDecodeError as error:
        return "text" if error.start >= len(start) - 7 else None
    return "text"
