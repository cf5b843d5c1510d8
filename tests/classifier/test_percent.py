"""How a probability is written."""

import pytest
from django.utils import translation

from classifier.templatetags.probability import percent


@pytest.mark.parametrize(
    ("language", "probability", "written"),
    [
        ("fr", 0.975, "97,5\N{NO-BREAK SPACE}%"),
        ("en", 0.975, "97.5%"),
        ("en", 0.83559, "83.6%"),
        ("en", 0.0, "0.0%"),
        ("en", 1.0, "100.0%"),
    ],
)
def test_percentage_is_rounded_to_one_decimal(language: str, probability: float, written: str) -> None:
    with translation.override(language):
        assert percent(probability) == written
