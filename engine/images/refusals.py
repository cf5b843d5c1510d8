"""The sentences of refusal, in one place so that translators find them, and the functions that fill them in."""

import math

from engine.exceptions import RefusalReason, RefusedPicture

MEBI = 1024 * 1024


def gettext_noop(message: str) -> str:
    """Mark a sentence for makemessages; the engine itself speaks English only."""
    return message


EMPTY = gettext_noop("The file is empty.")
TOO_MANY_BYTES = gettext_noop("The file weighs {size} MiB; at most {limit} MiB are accepted.")
NOT_AN_IMAGE = gettext_noop("The file is not a picture. Accepted formats: {accepted}.")
ANOTHER_KIND_OF_FILE = gettext_noop(
    "The file is not a picture but a file of type {format}. Accepted formats: {accepted}."
)
WRONG_FORMAT = gettext_noop("The picture is in {format} format. Accepted formats: {accepted}.")
TOO_MANY_PIXELS_ON_A_SIDE = gettext_noop(
    "The picture measures {width} × {height} pixels; at most {limit} pixels are accepted on a side."
)
TOO_ELONGATED = gettext_noop(
    "The picture measures {width} × {height} pixels; its longer side may be at most {limit} times its shorter side."
)
DECOMPRESSION_BOMB = gettext_noop(
    "The picture measures {width} × {height} pixels; at most {limit} million pixels are accepted in a {format} file of "
    "this kind."
)
TRUNCATED = gettext_noop("The picture is incomplete: the end of the {format} file is missing.")
DAMAGED = gettext_noop("The picture is damaged: its {format} data cannot be read.")
RARE_JPEG = gettext_noop("This rare kind of JPEG file is not accepted. Save the picture again as an ordinary JPEG.")


def empty() -> RefusedPicture:
    return RefusedPicture(RefusalReason.EMPTY, EMPTY)


def too_many_bytes(size: int, *, limit: int) -> RefusedPicture:
    """Say both in MiB; the size is rounded up, so that it never reads as the limit itself."""
    return RefusedPicture(
        RefusalReason.TOO_MANY_BYTES,
        TOO_MANY_BYTES,
        size=math.ceil(100 * size / MEBI) / 100,
        limit=limit // MEBI if limit % MEBI == 0 else limit / MEBI,
    )


def not_an_image(format: str | None, *, accepted: str) -> RefusedPicture:
    if format is None:
        return RefusedPicture(RefusalReason.NOT_AN_IMAGE, NOT_AN_IMAGE, accepted=accepted)
    return RefusedPicture(RefusalReason.NOT_AN_IMAGE, ANOTHER_KIND_OF_FILE, format=format, accepted=accepted)


def wrong_format(format: str, *, accepted: str) -> RefusedPicture:
    return RefusedPicture(RefusalReason.WRONG_FORMAT, WRONG_FORMAT, format=format, accepted=accepted)


def too_many_pixels_on_a_side(width: int, height: int, *, limit: int) -> RefusedPicture:
    return RefusedPicture(
        RefusalReason.TOO_MANY_PIXELS_ON_A_SIDE, TOO_MANY_PIXELS_ON_A_SIDE, width=width, height=height, limit=limit
    )


def too_elongated(width: int, height: int, *, limit: float) -> RefusedPicture:
    return RefusedPicture(RefusalReason.TOO_ELONGATED, TOO_ELONGATED, width=width, height=height, limit=f"{limit:g}")


def decompression_bomb(width: int, height: int, *, format: str, limit: int) -> RefusedPicture:
    return RefusedPicture(
        RefusalReason.DECOMPRESSION_BOMB,
        DECOMPRESSION_BOMB,
        width=width,
        height=height,
        format=format,
        limit=limit // 1_000_000,
    )


def truncated(format: str) -> RefusedPicture:
    return RefusedPicture(RefusalReason.TRUNCATED, TRUNCATED, format=format)


def damaged(format: str) -> RefusedPicture:
    return RefusedPicture(RefusalReason.DAMAGED, DAMAGED, format=format)


def rare_jpeg() -> RefusedPicture:
    return RefusedPicture(RefusalReason.WRONG_FORMAT, RARE_JPEG)
