"""Picture files made byte by byte, as no program would write them."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image, ImageCms

SIZE = (48, 32)
SRGB: bytes = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture(size: tuple[int, int] = SIZE, mode: str = "RGB") -> Image.Image:
    """Return a picture of colours that change gently."""
    coarse = np.random.default_rng(1).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).convert(mode)


def saved(image: Image.Image, format: str = "JPEG", **options: Any) -> bytes:
    written = io.BytesIO()
    image.save(written, format, **options)
    return written.getvalue()


def segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def after_soi(content: bytes, inserted: bytes) -> bytes:
    """Return a JPEG with bytes put right behind its first marker."""
    return content[:2] + inserted + content[2:]


def frame_changed(content: bytes, place: int, value: bytes, *, marker: int = 0xC0) -> bytes:
    """Return a JPEG with bytes of its frame header replaced; 0 is its marker, 3 the precision, 4 the height."""
    start = content.index(bytes((0xFF, marker)), 2) + 1 + place
    return content[:start] + value + content[start + len(value) :]


def many_scans(size: tuple[int, int], scans: int, *, components: int = 3) -> bytes:
    """Return a progressive JPEG of one grey, whose scans go over all pixels and take next to no bytes.

    All but the first correct every coefficient by runs of blocks with nothing to correct: the slowest thing to read.
    """
    numbers = range(1, components + 1)
    frame = struct.pack(">BHHB", 8, size[1], size[0], components) + b"".join(bytes((n, 0x11, 0)) for n in numbers)
    # One code in each table, "0": no difference (DC), and a run of 2**14 blocks and as many as 14 bits add (AC).
    tables = segment(0xC4, b"\x00\x01" + bytes(15) + b"\x00" + b"\x10\x01" + bytes(15) + b"\xe0")
    blocks = -(-size[0] // 8) * -(-size[1] // 8)
    first = segment(0xDA, bytes((components,)) + b"".join(bytes((n, 0)) for n in numbers) + bytes(3))
    runs = ("0" + "1" * 14) * -(-blocks // (2**15 - 1))
    packed = int(runs.ljust(-(-len(runs) // 8) * 8, "1"), 2).to_bytes(-(-len(runs) // 8), "big")
    further = [
        segment(0xDA, bytes((1, 1 + index % components, 0, 1, 63, 0x10))) + packed.replace(b"\xff", b"\xff\x00")
        for index in range(scans - 1)
    ]
    quantities = segment(0xDB, b"\x00" + b"\x01" * 64)
    start = b"\xff\xd8" + quantities + tables + segment(0xC2, frame)
    return b"".join((start, first, bytes(-(-blocks * components // 8)), *further, b"\xff\xd9"))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    size: tuple[int, int], *, depth: int = 8, colours: int = 2, interlaced: bool = False, extra: bytes = b""
) -> bytes:
    """Return a PNG of zeros: a thousand times smaller than its pixels."""
    width, height = size
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colours]
    header = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, int(interlaced))
    packer = zlib.compressobj(9)
    rows = (
        bytes(1 + -(-columns * bits // 8)) * count for columns, count in _passes(width, height, interlaced=interlaced)
    )
    packed = b"".join([packer.compress(part) for part in rows] + [packer.flush()])
    palette = chunk(b"PLTE", bytes(range(256)) * 3) if colours == 3 else b""
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette + extra + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )


def _passes(width: int, height: int, *, interlaced: bool) -> Iterator[tuple[int, int]]:
    """Give (columns, rows) in portions that fit in memory."""
    adam7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    for left, top, right, down in adam7 if interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(width - left) // right), -(-(height - top) // down)
        for start in range(0, rows if columns > 0 else 0, 100):
            yield columns, min(100, rows - start)


def one_colour(size: tuple[int, int], format: str, mode: str = "L", **options: Any) -> bytes:
    """Return a picture of one colour as Pillow writes it, much smaller than its pixels."""
    return saved(Image.new(mode, size), format, **options)


def bmp_of_runs(size: tuple[int, int], *, bits: int = 8, body: bytes | None = None) -> bytes:
    """Return a BMP in run lengths: 255 pixels in two bytes, until the picture is full."""
    width, height = size
    row = b"\xff\x01" * (width // 255) + bytes((width % 255, 1)) + b"\x00\x00"
    data = row * height if body is None else body
    palette = bytes(4 << bits)
    start = 54 + len(palette)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 1 if bits == 8 else 2, len(data), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + info + palette + data


def exif(orientation: int = 1, **options: Any) -> bytes:
    """Return EXIF data of one entry, or of entries that lie: `count` of them, `start` beyond the end, a loop."""
    entry = struct.pack(">HHIHH", 0x0112, 3, options.get("number", 1), orientation, 0)
    directory = struct.pack(">H", options.get("count", 1)) + entry + struct.pack(">I", options.get("next", 0))
    return b"MM\x00*" + struct.pack(">I", options.get("start", 8)) + directory


def with_exif(tiff: bytes, *, size: tuple[int, int] = SIZE) -> bytes:
    return after_soi(saved(picture(size)), segment(0xE1, b"Exif\x00\x00" + tiff))


def with_profile(profile: bytes, *, skipped: int | None = None, mode: str = "RGB") -> bytes:
    """Return a JPEG with its profile in chunks, one of which may be missing."""
    parts = [profile[start : start + 65_000] for start in range(0, len(profile), 65_000)]
    written = [
        segment(0xE2, b"ICC_PROFILE\x00" + bytes((number, len(parts))) + part)
        for number, part in enumerate(parts, start=1)
        if number != skipped
    ]
    return after_soi(saved(picture(mode=mode)), b"".join(written))


def archive() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as opened:
        opened.writestr("word/document.xml", "<x/>")
    return written.getvalue()


def animated(format: str) -> bytes:
    further = [picture().rotate(90), picture().rotate(180)]
    return saved(picture(), format, save_all=True, append_images=further, duration=50)
