"""What the engine raises. The sentences are English; an upper floor translates `template` and fills in `values`."""

from collections.abc import Mapping
from enum import StrEnum


class RefusalReason(StrEnum):
    """Why a picture was refused; stable, for programs."""

    EMPTY = "empty"
    TOO_MANY_BYTES = "too_many_bytes"
    NOT_AN_IMAGE = "not_an_image"
    WRONG_FORMAT = "wrong_format"
    TOO_MANY_PIXELS_ON_A_SIDE = "too_many_pixels_on_a_side"
    TOO_ELONGATED = "too_elongated"
    DECOMPRESSION_BOMB = "decompression_bomb"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"

    @property
    def code(self) -> str:
        """What Custom Vision's prediction API calls it."""
        return _CODES.get(self, "BadRequestImageFormat")


_CODES = {
    RefusalReason.TOO_MANY_BYTES: "BadRequestImageSizeBytes",
    RefusalReason.TOO_MANY_PIXELS_ON_A_SIDE: "BadRequestImageDimensions",
    RefusalReason.DECOMPRESSION_BOMB: "BadRequestImageDimensions",
    RefusalReason.TOO_ELONGATED: "BadRequestImageAspectRatio",
}


class EngineError(Exception):
    """Anything that the engine refuses or cannot do."""


class Refusal(EngineError):
    """Something that was handed in is not taken; its owner can act."""

    def __init__(self, template: str, **values: object) -> None:
        super().__init__(template.format(**values))
        self.template = template
        """English sentence with {named} placeholders of str.format, a key for gettext."""
        self.values: Mapping[str, object] = values


class RefusedFile(Refusal):
    """A file of a folder or of a ZIP cannot be read, or the ZIP itself cannot."""


class RefusedPicture(Refusal):
    """A file is not a picture that we take; its owner can act by sending another."""

    def __init__(self, reason: RefusalReason, template: str, **values: object) -> None:
        super().__init__(template, **values)
        self.reason = reason

    def __reduce__(self) -> tuple[object, ...]:
        return (_refused_again, (self.reason, self.template, dict(self.values)))


class ModelFileError(EngineError):
    """A backbone or head file cannot be used: unreadable, altered or made for something else; an operator can act."""


def _refused_again(reason: RefusalReason, template: str, values: dict[str, object]) -> RefusedPicture:
    return RefusedPicture(reason, template, **values)
