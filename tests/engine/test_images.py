"""Pictures: what is refused and how it is said, which way up they come, what is left of their metadata."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from engine import images
from engine.exceptions import RefusalReason, RefusedPicture
from engine.images import Limits

RED, BLUE = (220, 20, 20), (20, 20, 220)


def saved(image: Image.Image, format: str = "JPEG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def two_colours(width: int = 96, height: int = 64) -> Image.Image:
    """Red above, blue below."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (0, height // 2, width, height))
    return image


def coloured(*, side: int = 64, seed: int = 0) -> Image.Image:
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    return coarse.resize((side, side), Image.Resampling.BICUBIC)


def admitted(content: bytes) -> images.AdmittedPicture:
    return images.admit(content, limits=images.PREDICTION)


def decoded(content: bytes, *, shorter_side: int) -> Image.Image:
    return images.decode(admitted(content), shorter_side=shorter_side)


def stripped(content: bytes) -> bytes:
    return admitted(content).content


def refusal(content: bytes, *, limits: Limits = images.PREDICTION) -> RefusedPicture:
    with pytest.raises(RefusedPicture) as caught:
        images.decode(images.admit(content, limits=limits), shorter_side=32)
    return caught.value


def near(pixel: Any, colour: tuple[int, int, int]) -> bool:
    return bool(np.abs(np.array(pixel, dtype=int) - colour).max() < 40)


@pytest.mark.parametrize(
    ("content", "reason", "word"),
    [
        (b"", RefusalReason.EMPTY, "empty"),
        (b"%PDF-1.7 menu", RefusalReason.NOT_AN_IMAGE, "PDF"),
        (b"PK\x03\x04" + b"\0" * 50, RefusalReason.NOT_AN_IMAGE, "ZIP"),
        (b"just words", RefusalReason.NOT_AN_IMAGE, "text"),
        (b"\x00\x00\x00\x18ftypheic" + b"\0" * 40, RefusalReason.WRONG_FORMAT, "HEIC"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", RefusalReason.WRONG_FORMAT, "SVG"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", RefusalReason.WRONG_FORMAT, "WebP"),
        (b"\xff\xd8\xff\xe0 and no more", RefusalReason.TRUNCATED, "JPEG"),
        (b"\0" * 5_000_000, RefusalReason.TOO_MANY_BYTES, "MiB"),
    ],
)
def test_what_is_no_picture_is_named(content: bytes, reason: RefusalReason, word: str) -> None:
    refused = refusal(content)

    assert refused.reason == reason
    assert word in str(refused)
    assert str(refused).endswith(".")


@pytest.mark.parametrize("format", ["PNG", "GIF", "BMP"])
def test_page_takes_jpeg_alone_and_goes_by_content(format: str) -> None:
    refused = refusal(saved(coloured(), format), limits=images.PAGE_PHOTO)

    assert refused.reason == RefusalReason.WRONG_FORMAT
    assert format in str(refused)
    assert "JPEG" in str(refused)


@pytest.mark.parametrize("extra", [-1, 0])
def test_four_mebibytes_are_accepted(extra: int) -> None:
    photo = saved(coloured())
    padded = photo + b"\0" * (images.PAGE_PHOTO.max_bytes - len(photo) + extra)

    assert len(images.admit(padded, limits=images.PAGE_PHOTO).original) == images.PAGE_PHOTO.max_bytes + extra


def test_one_byte_more_is_refused_and_never_reads_as_the_limit() -> None:
    refused = refusal(b"\xff\xd8\xff" + b"\0" * (images.PAGE_PHOTO.max_bytes - 2), limits=images.PAGE_PHOTO)

    assert refused.reason == RefusalReason.TOO_MANY_BYTES
    assert "4.01 MiB" in str(refused)


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("width", "height", "reason"),
    [
        (10_241, 5_000, RefusalReason.TOO_MANY_PIXELS_ON_A_SIDE),
        (10_000, 399, RefusalReason.TOO_ELONGATED),
        (10_240, 10_240, RefusalReason.DECOMPRESSION_BOMB),
        (0, 100, RefusalReason.DAMAGED),
    ],
)
def test_measures_are_refused_by_the_header_alone(width: int, height: int, reason: RefusalReason) -> None:
    with pytest.raises(RefusedPicture) as caught:
        images.admit(png_header(width, height), limits=images.PREDICTION)

    assert caught.value.reason == reason


def test_largest_side_and_aspect_are_accepted() -> None:
    facts = images.admit(png_header(10_240, 410), limits=images.PREDICTION)

    assert (facts.width, facts.height) == (10_240, 410)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "BMP"])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 0.99])
def test_truncated_file_is_refused(format: str, share: float) -> None:
    content = saved(coloured(), format)

    assert refusal(content[: int(share * len(content))]).reason in {
        RefusalReason.TRUNCATED,
        RefusalReason.DAMAGED,
        RefusalReason.NOT_AN_IMAGE,
    }


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_upright(orientation: int) -> None:
    """The stored picture is turned so that applying its orientation gives red above blue."""
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    upright = two_colours()
    stored = upright.transpose(undo) if undo is not None else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = saved(stored, exif=exif, quality=95)

    for kept in (content, stripped(content)):
        admitted = images.admit(kept, limits=images.PAGE_PHOTO)
        image = images.decode(admitted, shorter_side=64)
        assert (admitted.width, admitted.height) == image.size == (96, 64)
        assert near(image.getpixel((48, 8)), RED)
        assert near(image.getpixel((48, 56)), BLUE)


@pytest.mark.parametrize("exif", [b"Exif\x00\x00garbage", b"Exif\x00\x00II*\x00\xff\xff\xff\x7f", b"Exif\x00\x00"])
def test_malformed_exif_is_ignored(exif: bytes) -> None:
    content = saved(two_colours(), exif=exif)

    assert decoded(content, shorter_side=64).size == (96, 64)


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
@pytest.mark.parametrize("progressive", [False, True])
def test_each_kind_of_jpeg_keeps_its_colours(mode: str, progressive: bool) -> None:
    content = saved(two_colours().convert(mode), quality=95, progressive=progressive)

    image = decoded(content, shorter_side=64)

    wanted = two_colours().convert(mode).convert("RGB").getpixel((48, 8))
    assert image.mode == "RGB"
    assert isinstance(wanted, tuple)
    assert near(image.getpixel((48, 8)), wanted)  # type: ignore[arg-type]


def test_transparent_parts_become_white() -> None:
    clear = Image.new("RGBA", (64, 64), (0, 0, 0, 0))

    image = decoded(saved(clear, "PNG"), shorter_side=64)

    assert image.getpixel((5, 5)) == (255, 255, 255)


def test_sixteen_bits_are_scaled_and_not_cut() -> None:
    grey = Image.fromarray(np.full((64, 64), 0x8000, dtype=np.uint16))

    image = decoded(saved(grey, "PNG"), shorter_side=64)

    assert near(image.getpixel((5, 5)), (128, 128, 128))


@pytest.mark.parametrize("format", ["GIF", "PNG"])
def test_palette_is_resolved(format: str) -> None:
    content = saved(two_colours().quantize(4), format)

    assert near(decoded(content, shorter_side=64).getpixel((48, 8)), RED)


def test_broken_colour_profile_is_ignored() -> None:
    content = saved(two_colours(), icc_profile=b"no profile at all" * 20)

    assert near(decoded(content, shorter_side=64).getpixel((48, 8)), RED)


def test_colour_profile_is_applied() -> None:
    """The profile is sRGB with red and blue exchanged: what is stored as red means blue."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exchanged = profile.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")
    content = saved(two_colours(), quality=95, icc_profile=exchanged)

    image = decoded(content, shorter_side=64)

    assert near(image.getpixel((48, 8)), BLUE)
    assert near(image.getpixel((48, 56)), RED)


def test_large_jpeg_is_decoded_near_the_wanted_size() -> None:
    content = saved(coloured(side=2000))

    image = decoded(content, shorter_side=224)

    assert 224 <= min(image.size) < 448


def test_small_picture_is_not_enlarged() -> None:
    assert decoded(saved(coloured(side=20)), shorter_side=224).size == (20, 20)


def test_metadata_goes_and_the_pixels_stay() -> None:
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    exif.get_ifd(0x8825)[1] = "N"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    content = saved(coloured(), exif=exif, comment=b"secret comment", icc_profile=profile, xmp=b"<x>secret xmp</x>")

    clean = stripped(content + b"PK\x03\x04secret archive")

    assert b"secret" not in clean
    opened = Image.open(io.BytesIO(clean))
    assert opened.info["icc_profile"] == profile
    assert not opened.getexif()
    assert opened.tobytes() == Image.open(io.BytesIO(content)).tobytes()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "BMP"])
def test_stripping_twice_changes_nothing_more(format: str) -> None:
    options: dict[str, Any] = {"comment": b"words"} if format in {"JPEG", "GIF"} else {}
    once = stripped(saved(coloured(), format, **options))

    assert stripped(once) == once
    assert b"words" not in once


def test_what_is_dropped_between_scans_lets_nothing_grow_together() -> None:
    """Behind the comment stands data that no decoder reads, before it an FF that would make a marker with that."""
    photo = saved(coloured(), quality=90)
    middle = (photo.index(b"\xff\xda") + len(photo)) // 2
    bent = photo[:middle].rstrip(b"\xff") + b"\xff\xff\xfe\x00\x04ab" + photo[middle:]

    once = stripped(bent)

    assert stripped(once) == once
    assert Image.open(io.BytesIO(once)).tobytes() == Image.open(io.BytesIO(bent)).tobytes()


def test_png_without_its_header_is_refused() -> None:
    """Else its orientation would be written behind its end."""
    content = png_header(4, 4).replace(b"IHDR", b"IlDR")

    with pytest.raises(RefusedPicture):
        stripped(content)


def test_png_loses_its_texts_and_keeps_its_pixels() -> None:
    from PIL.PngImagePlugin import PngInfo

    texts = PngInfo()
    texts.add_text("Comment", "secret words")
    content = saved(coloured(), "PNG", pnginfo=texts)

    clean = stripped(content)

    assert b"secret" in content
    assert b"secret" not in clean
    assert Image.open(io.BytesIO(clean)).tobytes() == coloured().tobytes()


def test_thumbnail_fits_upright_and_bare() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    thumbnail = images.thumbnail(admitted(saved(two_colours(900, 600), exif=exif)), side=240)

    opened = Image.open(io.BytesIO(thumbnail))
    assert opened.size == (160, 240)
    assert not opened.getexif()
