"""What an operator can get wrong about predictions."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from classifier.backends import get_backend

_NEEDED = ("CLASSIFR_CUSTOMVISION_ENDPOINT", "CLASSIFR_CUSTOMVISION_PREDICTION_KEY")
_OPTIONAL = ("CLASSIFR_CUSTOMVISION_PUBLISH_NAME",)
"""Only for an iteration that was not published from here."""


@register
def backends_can_be_imported(**kwargs: Any) -> list[CheckMessage]:
    """classifier.E001: a name in CLASSIFR_PREDICTION_BACKENDS leads nowhere."""
    messages: list[CheckMessage] = []
    for name, path in settings.CLASSIFR_PREDICTION_BACKENDS.items():
        try:
            get_backend(name)
        except ImportError as exc:
            hint = f"Correct the path {path!r}."
            messages.append(Error(f"Prediction backend {name!r}: {exc}", hint=hint, id="classifier.E001"))
    return messages


@register
def custom_vision_is_whole(**kwargs: Any) -> list[CheckMessage]:
    """classifier.W001: some settings of Custom Vision are there and others are not."""
    lacking = [name for name in _NEEDED if not getattr(settings, name)]
    if not lacking or not any(getattr(settings, name) for name in (*_NEEDED, *_OPTIONAL)):
        return []
    missing = ", ".join(lacking)
    return [
        Warning(
            f"Azure Custom Vision is half configured: {missing} missing.", hint="Set all or none.", id="classifier.W001"
        )
    ]
