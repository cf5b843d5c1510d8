"""Fetch a picture from the web, and from nowhere else: private addresses are refused unless that is allowed."""

import http.client
import ipaddress
import socket
from typing import Any
from urllib.parse import urljoin, urlsplit

TIMEOUT_S = 10
MOST_REDIRECTS = 3
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
OF_THE_CLOUD = ipaddress.ip_address("168.63.129.16")  # public to the eye, and yet the host's own: Azure's agent
SPECIAL = [ipaddress.ip_network(block) for block in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "3fff::/20")]
"""Blocks that lead elsewhere, which not every Python knows."""


def fetch(url: str, *, max_bytes: int, allow_private: bool) -> bytes:
    """Return what is at that address. Raises ValueError, OSError or HTTPException: the end of a sentence."""
    for _ in range(MOST_REDIRECTS + 1):
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("it does not begin with http:// or https://")
        connection = _connection(parts.scheme, parts.hostname, parts.port, allow_private=allow_private)
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("GET", target, headers={"Accept": "image/*"})
            answer = connection.getresponse()
            location = answer.headers.get("Location")
            if not (300 <= answer.status < 400 and location):
                return _content(answer, max_bytes=max_bytes)
            url = urljoin(url, location)
        finally:
            connection.close()
    raise ValueError("it leads to too many others")


def is_public(address: str) -> bool:
    """Say whether anybody may be asked at that IP address."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is None and (ip not in GLOBAL_UNICAST or ip.sixtofour or ip.teredo):
            return False  # of this site, or another address in disguise
        ip = ip.ipv4_mapped or ip
    is_special = ip == OF_THE_CLOUD or any(ip in block for block in SPECIAL)
    return ip.is_global and not ip.is_multicast and not is_special


def _content(answer: http.client.HTTPResponse, *, max_bytes: int) -> bytes:
    if answer.status != 200:
        raise ValueError(f"it answers {answer.status}")
    content = answer.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise ValueError(f"it has more than {max_bytes} bytes")
    return content


def _connection(scheme: str, host: str, port: int | None, *, allow_private: bool) -> http.client.HTTPConnection:
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    connection: Any = kind(host, port, timeout=TIMEOUT_S)
    if not allow_private:
        # The name is looked up once, and what was looked at is what is connected to.
        connection._create_connection = _connect_publicly  # noqa: SLF001
    found: http.client.HTTPConnection = connection
    return found


def _connect_publicly(address: tuple[str, int], timeout: float, source: Any = None) -> socket.socket:
    addresses = [entry[4][0] for entry in socket.getaddrinfo(*address, type=socket.SOCK_STREAM)]
    public = next((str(each) for each in addresses if is_public(str(each))), None)
    if public is None:
        raise ValueError(f"{address[0]} is a private address")
    return socket.create_connection((public, address[1]), timeout, source)
