"""How good an iteration is, in figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.metrics import Score
from engine.statistics import Interval, wilson

COMPARED = ("precision", "recall", "average_precision", "top_1", "calibration_error")
ENOUGH_TO_CALIBRATE = 200
"""Measured images; with fewer, a calibration error is mostly chance."""


@dataclass(frozen=True)
class TagPerformance:
    """One tag's figures."""

    tag: str
    score: Score
    pictures: int | None
    """How many pictures of that tag were measured on; None where the service does not say."""


@dataclass(frozen=True)
class Performance:
    """Figures of an iteration at one threshold."""

    threshold: float
    """0 to 1: a tag is said when its probability is at least that."""
    overall: Score
    per_tag: tuple[TagPerformance, ...]
    """In alphabetical order."""


@dataclass(frozen=True)
class Figure:
    """A stored figure, and what it rests on."""

    value: float | None
    cases: int | None = None
    """How many images it is a share, or an average, of; None where that is not known."""
    interval: Interval | None = None
    """Where it is a share of independent cases."""


@dataclass(frozen=True)
class SideBySide:
    """The same figure of two iterations, each on the images that it was measured on: no judgement follows from it."""

    name: str
    """As it is stored: "precision", "top_1", …"""
    old: Figure
    new: Figure


def side_by_side(new: Mapping[str, Any], old: Mapping[str, Any]) -> list[SideBySide]:
    """Return the stored figures of two iterations; those that neither has are left out."""
    names = [name for name in COMPARED if name in new or name in old]
    return [SideBySide(name, old=_figure(name, old), new=_figure(name, new)) for name in names]


def _figure(name: str, stored: Mapping[str, Any]) -> Figure:
    value, measured = stored.get(name), stored.get("measured")
    if name == "calibration_error" and (measured or 0) < ENOUGH_TO_CALIBRATE:
        return Figure(None, measured)
    cases = _cases(name, stored) if value is not None else measured
    # An image of a Multilabel project has several tags, whose mistakes depend on each other.
    is_share = name in {"precision", "recall", "top_1"} and "top_1" in stored
    if value is None or not cases or not is_share:
        return Figure(value, cases)
    return Figure(value, cases, wilson(round(value * cases), cases))


def _cases(name: str, stored: Mapping[str, Any]) -> int | None:
    """Return how many images a figure is of: precision is of those alone of which a tag is said."""
    measured, precision, recall = (stored.get(key) for key in ("measured", "precision", "recall"))
    if name != "precision" or "top_1" not in stored:
        return measured
    return round(recall * measured / precision) if measured and recall and precision else None
