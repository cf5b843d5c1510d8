"""How a probability is written."""

from django import template
from django.utils.formats import number_format
from django.utils.translation import get_language

register = template.Library()


@register.filter
def percent(probability: float) -> str:
    """Write 0.975 as `97,5 %` in French (no-break space) and `97.5%` in English."""
    number = number_format(round(100 * probability, 1), decimal_pos=1)
    space = "\N{NO-BREAK SPACE}" if (get_language() or "").startswith("fr") else ""
    return f"{number}{space}%"
