"""Heads fitted as a training fits them."""

from types import ModuleType

from engine import fitting
from engine.backbones import Card
from engine.fitting import Examples
from engine.heads import Head
from engine.regression import Check, never


def fit(
    examples: Examples,
    *,
    tags: list[str],
    card: Card,
    calibration: Examples | None = None,
    method: ModuleType = fitting,
    check: Check = never,
) -> Head:
    method.check_examples(examples, tags=tags)
    choice = method.choose(examples, calibration=calibration, seed=0, check=check)
    head: Head = method.fit_as_chosen(examples, choice, tags=tags, card=card, check=check)
    return head
