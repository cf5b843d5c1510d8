"""Photos that come with Classifr, to try it on the first visit."""

from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext_lazy as _

SAMPLES = {
    "doughnuts": _("Doughnuts"),
    "coffee": _("A cup of coffee"),
    "cat": _("A cat"),
    "rocket": _("A rocket"),
}
"""File name without its suffix, and what it shows."""


def read_sample(name: str) -> bytes | None:
    """Return the photo's bytes; None when no sample has that name."""
    return Path(settings.BASE_DIR, "static", "samples", f"{name}.jpg").read_bytes() if name in SAMPLES else None
