"""Pictures as files: admitted once without their metadata, then decoded upright and small."""

from engine.images.admission import AdmittedPicture, admit, check_byte_size, check_format
from engine.images.decoding import decode, thumbnail
from engine.images.formats import FORMATS, SUFFIXES
from engine.images.geometry import middle
from engine.images.limits import PAGE_PHOTO, PREDICTION, TRAINING, Limits

__all__ = [
    "FORMATS",
    "PAGE_PHOTO",
    "PREDICTION",
    "SUFFIXES",
    "TRAINING",
    "AdmittedPicture",
    "Limits",
    "admit",
    "check_byte_size",
    "check_format",
    "decode",
    "middle",
    "thumbnail",
]
