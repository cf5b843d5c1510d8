"""Where a request comes from."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the client's address, as the last trusted proxy saw it.

    With CLASSIFR_PROXIES=n that is the n-th from the right of X-Forwarded-For: what stands further left was written by
    whoever sent the request. Where it is missing or nonsense, it is the address that the connection came from.
    """
    peer: str = request.META.get("REMOTE_ADDR", "")
    trusted: int = settings.CLASSIFR_PROXIES
    forwarded = request.headers.get("X-Forwarded-For", "").split(",")
    if not trusted or len(forwarded) < trusted:
        return peer
    return _without_port(forwarded[-trusted].strip()) or peer


def network_of(address: str, *, ipv4_prefix: int = 32) -> str:
    """Return what counts as one client: an IPv4 address or network, or the /64 that a household has of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    ipv4 = parsed if isinstance(parsed, ipaddress.IPv4Address) else parsed.ipv4_mapped
    if ipv4:
        return address if ipv4_prefix == 32 else str(ipaddress.ip_network((int(ipv4), ipv4_prefix), strict=False))
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))


def _without_port(text: str) -> str:
    """Return the address in `1.2.3.4`, `1.2.3.4:567`, `::1` or `[::1]:567`; "" where there is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""
