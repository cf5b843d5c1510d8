"""What an operator can get wrong about addresses."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register


@register
def proxy_is_counted(**kwargs: Any) -> list[CheckMessage]:
    """accounts.W001: a proxy speaks HTTPS for Classifr, and its address is taken for everybody's."""
    if not settings.CLASSIFR_HTTPS or settings.CLASSIFR_PROXIES:
        return []
    return [
        Warning(
            "CLASSIFR_HTTPS is on and CLASSIFR_PROXIES is 0: all clients seem to come from the proxy's address.",
            hint="Set CLASSIFR_PROXIES to the number of proxies in front of Classifr.",
            id="accounts.W001",
        )
    ]
