"""Pictures as files: checked, decoded upright and small, freed of metadata."""

from engine.images.checking import inspect, strip_metadata
from engine.images.decoding import decode, thumbnail
from engine.images.geometry import middle
from engine.images.limits import FORMATS, PAGE_PHOTO, PREDICTION, TRAINING, Facts, Limits

__all__ = [
    "FORMATS",
    "PAGE_PHOTO",
    "PREDICTION",
    "TRAINING",
    "Facts",
    "Limits",
    "decode",
    "inspect",
    "middle",
    "strip_metadata",
    "thumbnail",
]
