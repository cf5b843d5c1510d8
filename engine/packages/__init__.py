"""Packages that other programs can use without Classifr: one ONNX file from pixels to probabilities, and its papers.

The layout is that of Custom Vision's exports, with `golden/` and `manifest.json` beside it: pictures as the model takes
them with the probabilities that Classifr gives, so that anyone can check what they run.
"""

from engine.packages.building import FLAVORS, Golden, NotTheSame, build, check, golden, synthetic_pictures, versions
from engine.packages.graph import to_onnx
from engine.packages.papers import TOLERANCE, Origin

__all__ = [
    "FLAVORS",
    "TOLERANCE",
    "Golden",
    "NotTheSame",
    "Origin",
    "build",
    "check",
    "golden",
    "synthetic_pictures",
    "to_onnx",
    "versions",
]
