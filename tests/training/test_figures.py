"""Stored figures side by side: each with what it rests on, and no judgement."""

from typing import Any

import pytest

from engine.statistics import wilson
from training.figures import ENOUGH_TO_CALIBRATE, Figure, side_by_side

MEASURED = {"precision": 0.9, "recall": 0.75, "average_precision": 0.8, "top_1": 0.8, "calibration_error": 0.02}


def figure(name: str, **stored: Any) -> Figure:
    return next(line.new for line in side_by_side(stored, {}) if line.name == name)


def test_shares_of_images_have_their_interval() -> None:
    stored = {**MEASURED, "measured": 300}

    assert figure("top_1", **stored) == Figure(0.8, 300, wilson(240, 300))
    assert figure("recall", **stored) == Figure(0.75, 300, wilson(225, 300))


def test_precision_is_of_the_images_of_which_a_tag_is_said() -> None:
    """225 of 300 are told, rightly in nine of ten cases: 250 are told."""
    assert figure("precision", **MEASURED, measured=300) == Figure(0.9, 250, wilson(225, 250))


def test_what_is_no_share_has_no_interval() -> None:
    stored = {**MEASURED, "measured": 300}

    assert figure("average_precision", **stored) == Figure(0.8, 300)
    assert figure("calibration_error", **stored) == Figure(0.02, 300)


def test_calibration_error_of_few_images_is_not_told() -> None:
    few = ENOUGH_TO_CALIBRATE - 1

    assert figure("calibration_error", **MEASURED, measured=few) == Figure(None, few)
    assert figure("calibration_error", **MEASURED, measured=ENOUGH_TO_CALIBRATE).value == 0.02
    assert figure("calibration_error", **MEASURED) == Figure(None)


def test_figures_of_several_tags_an_image_have_no_interval() -> None:
    assert figure("recall", precision=0.9, recall=0.75, measured=300) == Figure(0.75, 300)


@pytest.mark.parametrize("stored", [{"top_1": 0.5, "recall": None}, {"top_1": 0.0, "recall": 0.0, "precision": 0.0}])
def test_figures_of_nothing_are_shown_all_the_same(stored: dict[str, float | None]) -> None:
    assert {line.name for line in side_by_side({**stored, "measured": 0}, {})} == set(stored)


def test_how_many_images_azure_measured_on_is_not_known() -> None:
    assert figure("precision", precision=0.9, recall=0.8) == Figure(0.9)


def test_figures_that_neither_has_are_left_out() -> None:
    (line,) = side_by_side({"recall": 0.5}, {})

    assert (line.name, line.old, line.new) == ("recall", Figure(None), Figure(0.5))
