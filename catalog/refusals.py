"""Say in the reader's language why a picture or a file was refused."""

from django.utils.formats import number_format
from django.utils.translation import gettext

from engine.exceptions import Refusal


def refusal_sentence(exc: Refusal) -> str:
    """Return the sentence of the refusal, translated, its numbers as the reader writes them."""
    values = {name: number_format(value) if isinstance(value, float) else value for name, value in exc.values.items()}
    return gettext(exc.template).format(**values)
