"""Files that someone might send to do harm, and odd ones that are fine, with what becomes of each."""

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from engine.exceptions import RefusalReason as R
from engine.images import PAGE_PHOTO
from tests.crafted import (
    SIZE,
    SRGB,
    after_soi,
    animated,
    archive,
    bmp_of_runs,
    chunk,
    exif,
    frame_changed,
    many_scans,
    one_colour,
    picture,
    png,
    saved,
    with_exif,
    with_profile,
)

LIMIT = PAGE_PHOTO.max_bytes
_TOLD_BEFORE_THE_FORMAT = {R.EMPTY, R.TOO_MANY_BYTES, R.NOT_AN_IMAGE}


@dataclass(frozen=True)
class Case:
    """A file and what becomes of it."""

    make: Callable[[], bytes]
    reason: R | None = None
    """Why it is refused where all four formats are accepted; None when it is accepted."""
    size: tuple[int, int] = SIZE
    """Upright, of an accepted one."""
    jpeg: bool = True

    @property
    def page_reason(self) -> R | None:
        """Why the page, which takes JPEG alone, refuses it."""
        return self.reason if self.jpeg or self.reason in _TOLD_BEFORE_THE_FORMAT else R.WRONG_FORMAT


def padded(byte_size: int) -> bytes:
    photo = saved(picture())
    return photo + bytes(byte_size - len(photo))


def with_scan_data(content: bytes, inserted: bytes) -> bytes:
    """Return a JPEG with bytes put into the middle of its compressed data."""
    middle = (content.index(b"\xff\xda") + len(content)) // 2
    return content[:middle] + inserted + content[middle:]


def _truncated() -> Iterator[tuple[str, Case]]:
    """Give each format cut after a few bytes, in the middle and just before its end."""
    for format in ("JPEG", "PNG", "GIF", "BMP"):
        reasons = {0: R.EMPTY, 1: R.NOT_AN_IMAGE, 2: R.NOT_AN_IMAGE}
        if format == "BMP":
            reasons[10] = R.NOT_AN_IMAGE
        whole = len(saved(picture(), format))
        for length in (0, 1, 2, 10, 100, whole // 2, whole - 2, whole - 1):
            reason = reasons.get(length, R.TRUNCATED)
            if (format == "GIF" and length == whole - 1) or (format == "JPEG" and length >= whole - 2):
                continue  # that lacks its end alone, which everybody forgives
            make = partial(_cut, format, length)
            yield f"{format} of {length} bytes out of {whole}", Case(make, reason, jpeg=format == "JPEG")


def _cut(format: str, length: int) -> bytes:
    return saved(picture(), format)[:length]


def _saved(mode: str, *, progressive: bool) -> bytes:
    return saved(picture(mode=mode), progressive=progressive)


def _jpeg(**options: Any) -> Callable[[], bytes]:
    return lambda: saved(picture(), **options)


def _given(content: bytes) -> Callable[[], bytes]:
    return lambda: content


def _box(brand: bytes) -> bytes:
    return b"\x00\x00\x00\x18ftyp" + brand + b"\x00\x00\x00\x00" + brand + b"mif1" + bytes(64)


def _cases() -> Iterator[tuple[str, Case]]:
    yield from _truncated()
    yield from _bombs()
    yield from _polyglots()
    yield from _other_formats()
    yield from _kinds_of_jpeg()
    yield from _metadata()
    yield from _measures()
    yield from _damaged()


def _bombs() -> Iterator[tuple[str, Case]]:
    yield (
        "PNG of 30,000 x 30,000",
        Case(
            lambda: png((30_000, 300)).replace(struct.pack(">II", 30_000, 300), struct.pack(">II", 30_000, 30_000)),
            R.TOO_MANY_PIXELS_ON_A_SIDE,
            jpeg=False,
        ),
    )
    yield "PNG of 10,000 x 10,000", Case(lambda: png((10_000, 10_000)), R.DECOMPRESSION_BOMB, jpeg=False)
    text = zlib.compress(bytes(30_000_000), 9)
    yield "PNG with a text bomb", Case(lambda: png(SIZE, extra=chunk(b"zTXt", b"Comment\x00\x00" + text)), jpeg=False)
    yield (
        "PNG with a profile bomb",
        Case(lambda: png(SIZE, extra=chunk(b"iCCP", b"icc\x00\x00" + text)), R.DAMAGED, jpeg=False),
    )
    yield "PNG of countless chunks", Case(lambda: png(SIZE, extra=chunk(b"tEXt", b"") * 70_000), R.DAMAGED, jpeg=False)
    yield (
        "GIF with a huge screen",
        Case(lambda: _screen(one_colour(SIZE, "GIF"), (65_535, 65_535)), R.TOO_MANY_PIXELS_ON_A_SIDE, jpeg=False),
    )
    yield (
        "GIF with a huge frame",
        Case(lambda: _frame(one_colour(SIZE, "GIF"), (65_535, 65_535)), R.TOO_MANY_PIXELS_ON_A_SIDE, jpeg=False),
    )
    yield "GIF whose frame exceeds its screen", Case(lambda: _screen(one_colour(SIZE, "GIF"), (1, 1)), jpeg=False)
    yield (
        "GIF of countless blocks",
        Case(lambda: _before_image(one_colour(SIZE, "GIF"), b"!\xf9\x00" * 70_000), R.DAMAGED, jpeg=False),
    )
    yield (
        "GIF with a comment in crumbs",
        Case(lambda: _before_image(one_colour(SIZE, "GIF"), b"!\xfe" + b"\x01a" * 500_000 + b"\x00"), jpeg=False),
    )
    yield "BMP of runs beyond the limit", Case(lambda: bmp_of_runs((5_000, 5_000)), R.DECOMPRESSION_BOMB, jpeg=False)
    yield "BMP of runs", Case(lambda: bmp_of_runs((400, 300), bits=4), size=(400, 300), jpeg=False)
    yield (
        "BMP that leaps to its end",
        Case(lambda: bmp_of_runs((3_000, 3_000), body=b"\x00\x02\xff\xff" * 12), size=(3_000, 3_000), jpeg=False),
    )
    yield (
        "JPEG that announces 65,535 x 65,535",
        Case(lambda: frame_changed(saved(picture()), 4, b"\xff" * 4), R.TOO_MANY_PIXELS_ON_A_SIDE),
    )
    yield (
        "JPEG that announces 9,000 x 9,000",
        Case(lambda: frame_changed(saved(picture()), 4, struct.pack(">HH", 9_000, 9_000)), R.TRUNCATED),
    )
    yield "progressive JPEG of 9,000 x 9,000", Case(lambda: many_scans((9_000, 9_000), 2), R.DECOMPRESSION_BOMB)
    yield "JPEG of 50 scans", Case(lambda: many_scans(SIZE, 50))
    yield "JPEG of 51 scans", Case(lambda: many_scans(SIZE, 51), R.DAMAGED)
    yield "JPEG of 900 scans", Case(lambda: many_scans((2_000, 2_000), 900), R.DAMAGED)
    yield (
        "JPEG of countless segments",
        Case(lambda: after_soi(saved(picture()), b"\xff\xe5\x00\x02" * 500_000), R.DAMAGED),
    )
    yield "JPEG of filling bytes", Case(lambda: after_soi(saved(picture()), b"\xff" * 3_000_000))
    yield "XML of countless comments", Case(_given(b"<!---->" * 500 + b"<x>"), R.NOT_AN_IMAGE)
    yield "SVG after countless comments", Case(_given(b"<!---->" * 500 + b"<svg></svg>"), R.WRONG_FORMAT)
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    yield (
        "XML of a billion laughs",
        Case(
            _given(f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]><x>&l9;</x>'.encode()), R.NOT_AN_IMAGE
        ),
    )
    yield "archive within an archive", Case(_given(archive() * 3), R.NOT_AN_IMAGE)


def _screen(content: bytes, size: tuple[int, int]) -> bytes:
    return content[:6] + struct.pack("<HH", *size) + content[10:]


def _before_image(content: bytes, inserted: bytes) -> bytes:
    start = content.index(b",\x00\x00\x00\x00")
    return content[:start] + inserted + content[start:]


def _frame(content: bytes, size: tuple[int, int]) -> bytes:
    start = content.index(b",\x00\x00\x00\x00") + 5
    return content[:start] + struct.pack("<HH", *size) + content[start + 4 :]


def _polyglots() -> Iterator[tuple[str, Case]]:
    yield "JPEG with an archive behind it", Case(lambda: saved(picture()) + archive())
    yield "archive with a JPEG behind it", Case(lambda: archive() + saved(picture()), R.NOT_AN_IMAGE)
    yield "JPEG with PHP in its comment", Case(_jpeg(comment=b"<?php system($_GET['c']); ?>"))
    yield "JPEG with PHP behind it", Case(lambda: saved(picture()) + b"<?php system($_GET['c']); ?>")
    yield "GIF with JavaScript", Case(lambda: one_colour(SIZE, "GIF", comment=b"*/=1;alert(1)//"), jpeg=False)
    yield (
        "script that begins as a GIF",
        Case(_given(b"GIF89a/*" + b" " * 500 + b"*/=1;alert(1)"), R.DAMAGED, jpeg=False),
    )
    yield "PDF with a JPEG inside", Case(lambda: b"%PDF-1.7\n" + saved(picture()) + b"\n%%EOF", R.NOT_AN_IMAGE)
    yield "JPEG with a PDF behind it", Case(lambda: saved(picture()) + b"%PDF-1.7\n%%EOF")
    yield "HTML before a JPEG", Case(lambda: b"<html><script>alert(1)</script>" + saved(picture()), R.NOT_AN_IMAGE)
    yield "JPEG with HTML in its comment", Case(_jpeg(comment=b"<html><script>alert(1)</script>"))
    yield "line break before a JPEG", Case(lambda: b"\r\n" + saved(picture()), R.NOT_AN_IMAGE)
    yield "zeros before a JPEG", Case(lambda: bytes(16) + saved(picture()), R.NOT_AN_IMAGE)
    yield "JPEG behind a JPEG", Case(lambda: saved(picture()) + saved(picture((96, 96))))


def _other_formats() -> Iterator[tuple[str, Case]]:
    for format in ("PNG", "GIF", "BMP"):
        yield f"whole {format}", Case(_jpeg(format=format), jpeg=False)
    for format in ("WEBP", "TIFF", "ICO", "AVIF", "JPEG2000"):
        yield f"whole {format}", Case(_jpeg(format=format), R.WRONG_FORMAT)
    for brand in (b"heic", b"avif"):
        yield f"{brand.decode()} box", Case(_given(_box(brand)), R.WRONG_FORMAT)
    yield (
        "SVG with a script",
        Case(_given(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"), R.WRONG_FORMAT),
    )
    for name, content in {
        "MP4": _box(b"isom"),
        "PDF": b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n",
        "document in an archive": archive(),
        "text": b"just words\n",
        "text that is no UTF-8": "d\xe9j\xe0 vu".encode("latin-1"),
        "program": b"\x7fELF\x02\x01\x01" + bytes(100),
        "zeros": bytes(5_000),
        "FF alone": b"\xff" * 5_000,
        "page of HTML": b"<!DOCTYPE html><html></html>",
    }.items():
        yield name, Case(_given(content), R.NOT_AN_IMAGE)


def _kinds_of_jpeg() -> Iterator[tuple[str, Case]]:
    for mode in ("L", "RGB", "CMYK", "YCbCr"):
        for progressive in (False, True):
            yield (
                f"{mode} JPEG{' in passes' * progressive}",
                Case(partial(_saved, mode, progressive=progressive)),
            )
    yield (
        "YCCK JPEG",
        Case(
            lambda: saved(picture(mode="CMYK")).replace(
                b"Adobe\x00\x64\x00\x00\x00\x00\x00", b"Adobe\x00\x64\x00\x00\x00\x00\x02"
            )
        ),
    )
    yield "JPEG with restarts", Case(_jpeg(restart_marker_blocks=1))
    yield "JPEG of 12 bits", Case(lambda: frame_changed(saved(picture()), 3, b"\x0c"), R.WRONG_FORMAT)
    for marker, kind in {
        0xC3: "lossless",
        0xC9: "arithmetic",
        0xCA: "arithmetic progressive",
        0xC5: "differential",
        0xCB: "lossless arithmetic",
    }.items():
        yield (
            f"{kind} JPEG",
            Case(partial(frame_changed, saved(picture()), 0, bytes((marker,))), R.WRONG_FORMAT),
        )
    yield "MPO of two views", Case(_jpeg(format="MPO", save_all=True, append_images=[picture().rotate(90)]))
    for name, (depth, colours) in {
        "16-bit grey": (16, 0),
        "16-bit colours": (16, 2),
        "16-bit transparent": (16, 6),
        "1-bit": (1, 0),
        "palette": (8, 3),
        "grey and alpha": (8, 4),
    }.items():
        yield f"{name} PNG", Case(partial(png, SIZE, depth=depth, colours=colours), jpeg=False)
    yield "interlaced PNG", Case(lambda: png(SIZE, interlaced=True), jpeg=False)
    yield (
        "PNG whose palette is transparent",
        Case(lambda: png(SIZE, colours=3, extra=chunk(b"tRNS", bytes(256))), jpeg=False),
    )
    yield (
        "PNG whose grey of 16 bits is transparent",
        Case(lambda: png(SIZE, depth=16, colours=0, extra=chunk(b"tRNS", bytes(2))), jpeg=False),
    )
    yield "animated GIF", Case(lambda: animated("GIF"), jpeg=False)
    yield "animated PNG", Case(lambda: animated("PNG"), jpeg=False)


def _metadata() -> Iterator[tuple[str, Case]]:
    for orientation in range(9):
        size = SIZE if orientation < 5 else (SIZE[1], SIZE[0])
        yield (
            f"EXIF orientation {orientation}",
            Case(_given(with_exif(exif(orientation))), size=size),
        )
    for name, tiff in {
        "cut": b"MM\x00*\x00",
        "of nothing": b"",
        "of garbage": bytes(range(256)),
        "that points outside": exif(6, start=2**32 - 1),
        "of 65,535 entries": exif(3, count=65_535),
        "in a loop": exif(3, next=8),
        "that points at itself": exif(6, start=0),
        "of a huge count": exif(6, number=2**32 - 1),
        "of an impossible orientation": exif(65_535),
    }.items():
        yield f"EXIF {name}", Case(_given(with_exif(tiff)))
    thumbnail = saved(picture((900, 900)), quality=60)[:60_000]
    yield "EXIF with a thumbnail larger than the picture", Case(_given(with_exif(exif() + thumbnail)))
    yield "profile of 3 MiB", Case(lambda: with_profile(SRGB + bytes(3 * 2**20)))
    yield "profile that lacks a chunk", Case(lambda: with_profile(SRGB + bytes(200_000), skipped=2))
    yield "profile of another space", Case(lambda: with_profile(SRGB, mode="L"))
    yield "profile of garbage", Case(lambda: with_profile(bytes(range(256)) * 40))
    yield "profile that lies of its size", Case(lambda: with_profile(b"\xff\xff\xff\xff" + SRGB[4:]))


def _measures() -> Iterator[tuple[str, Case]]:
    yield "4 MiB", Case(lambda: padded(LIMIT))
    yield "4 MiB less a byte", Case(lambda: padded(LIMIT - 1))
    yield "4 MiB and a byte", Case(lambda: padded(LIMIT + 1), R.TOO_MANY_BYTES)
    yield "6 MiB", Case(lambda: padded(LIMIT * 3 // 2), R.TOO_MANY_BYTES)
    for size, reason in {
        (1, 1): None,
        (1, 25): None,
        (25, 1): None,
        (26, 1): R.TOO_ELONGATED,
        (1, 26): R.TOO_ELONGATED,
        (10_240, 410): None,
        (410, 10_240): None,
        (10_241, 410): R.TOO_MANY_PIXELS_ON_A_SIDE,
        (10_240, 409): R.TOO_ELONGATED,
    }.items():
        yield f"{size[0]:,} x {size[1]:,}", Case(partial(one_colour, size, "JPEG"), reason, size)


def _damaged() -> Iterator[tuple[str, Case]]:
    yield "JPEG of no height", Case(lambda: frame_changed(saved(picture()), 4, bytes(2)), R.DAMAGED)
    yield "JPEG of two frames", Case(lambda: _twice(saved(picture()), 0xC0), R.DAMAGED)
    yield "JPEG of no samples", Case(lambda: frame_changed(saved(picture()), 10, b"\x00"), R.DAMAGED)
    yield "JPEG with two starts", Case(lambda: after_soi(saved(picture()), b"\xff\xd8"), R.DAMAGED)
    yield "JPEG with a start inside", Case(lambda: with_scan_data(saved(picture()), b"\xff\xd8"), R.TRUNCATED)
    yield "JPEG with a segment of no length", Case(lambda: after_soi(saved(picture()), b"\xff\xe5\x00\x01"), R.DAMAGED)
    yield (
        "JPEG with a segment beyond its end",
        Case(lambda: with_scan_data(saved(picture()), b"\xff\xfe\xff\xff"), R.TRUNCATED),
    )
    yield "JPEG with restarts out of turn", Case(lambda: with_scan_data(saved(picture()), b"\xff\xd5\xff\xd0\xff\xd3"))
    yield (
        "JPEG with stray bytes after its first marker",
        Case(lambda: after_soi(saved(picture()), b"stray\xff\x00\xff\xd3"), R.NOT_AN_IMAGE),
    )
    yield "JPEG of headers alone", Case(lambda: b"\xff\xd8\xff\xd9", R.DAMAGED)
    yield "PNG with a wrong check sum", Case(lambda: _byte_changed(png(SIZE), 29), R.DAMAGED, jpeg=False)
    yield (
        "PNG of no width",
        Case(lambda: png((1, 1)).replace(b"IHDR\x00\x00\x00\x01", b"IHDR\x00\x00\x00\x00"), R.DAMAGED, jpeg=False),
    )


def _twice(content: bytes, marker: int) -> bytes:
    start = content.index(bytes((0xFF, marker)))
    end = start + 2 + int.from_bytes(content[start + 2 : start + 4], "big")
    return content[:end] + content[start:]


def _byte_changed(content: bytes, place: int) -> bytes:
    return content[:place] + bytes((content[place] ^ 1,)) + content[place + 1 :]


CASES = dict(_cases())
