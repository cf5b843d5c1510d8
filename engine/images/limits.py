"""What a picture may be where it is handed in, and what one turned out to be."""

from dataclasses import dataclass

FORMATS = ("JPEG", "PNG", "BMP", "GIF")
"""Every format that the engine reads, in the order in which people are told."""
MEBI = 1024 * 1024
MAX_PIXELS = 1024**3 // 4 // 3
"""Most pixels of any picture, about 89 million. Pillow's own number, kept here whatever Pillow does."""
MAX_DECODED_BYTES = 200 * MEBI
"""Most that the pixels of one picture take while they are decoded: 52 million pixels of 4 bytes. A baseline JPEG,
which is decoded at a reduced scale, is bound by MAX_PIXELS alone."""


@dataclass(frozen=True)
class Limits:
    """What one entrance accepts."""

    formats: frozenset[str]
    """A part of FORMATS."""
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


@dataclass(frozen=True)
class Facts:
    """What a checked picture is, as far as its header tells."""

    format: str
    """One of FORMATS, by content."""
    width: int
    """Pixels, upright: after the EXIF orientation."""
    height: int
    byte_size: int
    sha256: str
    """64 hexadecimal digits of the bytes as given."""
