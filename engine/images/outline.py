"""What reading a file once tells of its picture."""

from typing import NamedTuple


class Outline(NamedTuple):
    """Measures of a picture whose file is whole, as far as its structure goes, but for what `has_end` says."""

    width: int
    """Pixels as stored, before the orientation."""
    height: int
    orientation: int
    """EXIF, 1 to 8."""
    bytes_per_pixel: int
    """What decoding takes of memory for each pixel as stored."""
    stripped: bytes
    """The file without metadata; orientation, colour profile and compressed pixels are as they were."""
    has_end: bool = True
    """Where none was found, only the pixels tell whether the file is whole."""
