"""The sentences of refusal, in one place so that translators find them, and the functions that fill them in."""

import math

from engine.exceptions import RefusalReason, RefusedPicture

MEBI = 1024 * 1024


def gettext_noop(message: str) -> str:
    """Mark a sentence for makemessages; the engine itself speaks English only."""
    return message


EMPTY = gettext_noop("The file is empty.")
TOO_MANY_BYTES = gettext_noop("The file weighs {found} MiB; at most {limit} MiB are accepted.")
NOT_AN_IMAGE = gettext_noop("The file is not a picture. Accepted formats: {accepted}.")
ANOTHER_KIND_OF_FILE = gettext_noop(
    "The file is not a picture but a file of type {found}. Accepted formats: {accepted}."
)
WRONG_FORMAT = gettext_noop("The picture is in {found} format. Accepted formats: {accepted}.")
TOO_MANY_PIXELS_ON_A_SIDE = gettext_noop(
    "The picture measures {width} × {height} pixels; at most {limit} pixels are accepted on a side."
)
TOO_ELONGATED = gettext_noop(
    "The picture measures {width} × {height} pixels; its longer side may be at most {limit} times its shorter side."
)
DECOMPRESSION_BOMB = gettext_noop(
    "The picture measures {width} × {height} pixels; at most {limit} million pixels are accepted in a {found} file of "
    "this kind."
)
TRUNCATED = gettext_noop("The picture is incomplete: the end of the {found} file is missing.")
DAMAGED = gettext_noop("The picture is damaged: its {found} data cannot be read.")
RARE_JPEG = gettext_noop("This rare kind of JPEG file is not accepted. Save the picture again as an ordinary JPEG.")


def empty() -> RefusedPicture:
    return RefusedPicture(RefusalReason.EMPTY, EMPTY)


def too_many_bytes(found: int, *, limit: int) -> RefusedPicture:
    """Say both in MiB; `found` is rounded up, so that it never reads as the limit itself."""
    return RefusedPicture(
        RefusalReason.TOO_MANY_BYTES,
        TOO_MANY_BYTES,
        found=math.ceil(100 * found / MEBI) / 100,
        limit=limit // MEBI if limit % MEBI == 0 else limit / MEBI,
    )


def not_an_image(found: str | None, *, accepted: str) -> RefusedPicture:
    if found is None:
        return RefusedPicture(RefusalReason.NOT_AN_IMAGE, NOT_AN_IMAGE, accepted=accepted)
    return RefusedPicture(RefusalReason.NOT_AN_IMAGE, ANOTHER_KIND_OF_FILE, found=found, accepted=accepted)


def wrong_format(found: str, *, accepted: str) -> RefusedPicture:
    return RefusedPicture(RefusalReason.WRONG_FORMAT, WRONG_FORMAT, found=found, accepted=accepted)


def too_many_pixels_on_a_side(width: int, height: int, *, limit: int) -> RefusedPicture:
    return RefusedPicture(
        RefusalReason.TOO_MANY_PIXELS_ON_A_SIDE, TOO_MANY_PIXELS_ON_A_SIDE, width=width, height=height, limit=limit
    )


def too_elongated(width: int, height: int, *, limit: float) -> RefusedPicture:
    return RefusedPicture(RefusalReason.TOO_ELONGATED, TOO_ELONGATED, width=width, height=height, limit=f"{limit:g}")


def decompression_bomb(width: int, height: int, *, found: str, limit: int) -> RefusedPicture:
    return RefusedPicture(
        RefusalReason.DECOMPRESSION_BOMB,
        DECOMPRESSION_BOMB,
        width=width,
        height=height,
        found=found,
        limit=limit // 1_000_000,
    )


def truncated(found: str) -> RefusedPicture:
    return RefusedPicture(RefusalReason.TRUNCATED, TRUNCATED, found=found)


def damaged(found: str) -> RefusedPicture:
    return RefusedPicture(RefusalReason.DAMAGED, DAMAGED, found=found)


def rare_jpeg() -> RefusedPicture:
    return RefusedPicture(RefusalReason.WRONG_FORMAT, RARE_JPEG)
