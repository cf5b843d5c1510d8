"""How good an iteration is, in figures."""

from __future__ import annotations

from dataclasses import dataclass

from engine.metrics import Score


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
