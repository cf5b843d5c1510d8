"""What a picture may be where it is handed in."""

from dataclasses import dataclass

from engine.images.formats import FORMATS
from engine.images.refusals import MEBI

MAX_PIXELS = 1024**3 // 4 // 3
"""Most pixels of any picture, about 89 million. Pillow's own number, kept here whatever Pillow does."""
MAX_DECODED_BYTES = 200 * MEBI
"""Most that the pixels of one picture take while they are decoded: 52 million pixels of 4 bytes. A baseline JPEG,
which is decoded at a reduced scale, is bound by MAX_PIXELS alone."""


@dataclass(frozen=True)
class Limits:
    """What one entrance accepts."""

    formats: frozenset[str]
    """Names in FORMATS."""
    max_bytes: int
    max_side: int = 10_240
    """Pixels."""
    max_aspect: float = 25.0
    """Longer side over shorter side."""

    @property
    def accepted(self) -> str:
        """The formats as one reads them: "JPEG, PNG"."""
        return ", ".join(name for name in FORMATS if name in self.formats)


PAGE_PHOTO = Limits(formats=frozenset({"JPEG"}), max_bytes=4 * MEBI)
PREDICTION = Limits(formats=frozenset(FORMATS), max_bytes=4 * MEBI)
TRAINING = Limits(formats=frozenset(FORMATS), max_bytes=6 * MEBI)
