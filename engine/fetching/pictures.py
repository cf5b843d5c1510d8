"""Fetch a picture from an address that a program names, and from nowhere that it may not look at.

Whoever may name an address could otherwise make the server ask machines that only the server reaches. So the name is
resolved once, each of its addresses must be public or allowed all the same, and the connection goes to one of the
addresses that were looked at: what the name means a moment later is of no matter. Each redirect is looked
at likewise. Proxies that the environment names are not used: they would resolve the name for themselves.
"""

import logging
import ssl
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from ipaddress import ip_address
from socket import SHUT_RDWR, SOCK_STREAM, create_connection, getaddrinfo, socket
from threading import Timer
from urllib.parse import quote, urljoin, urlsplit

import certifi

from engine.exceptions import EngineError
from engine.fetching.public_addresses import Address, Allowance, is_public

logger = logging.getLogger(__name__)

MOST_REDIRECTS = 3
TIME_S = 10.0
"""For everything together: names, connections, redirects, the last byte."""
_PORTS = {"http": 80, "https": 443}
_PUBLIC_PORTS = frozenset(_PORTS.values())
_REDIRECTS = {
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.FOUND,
    HTTPStatus.SEE_OTHER,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
}
_HEADERS = {"Accept": "image/*", "Accept-Encoding": "identity", "Connection": "close", "User-Agent": "Classifr"}


class NotFetched(EngineError):
    """Nothing was fetched; the sentence names the address and says why."""


class TooLong(NotFetched):
    """The answer has more bytes than may be read."""


class _Refusal(Exception):
    """Why nothing is fetched: the rest of a sentence that begins with the address."""


@dataclass(frozen=True)
class _Target:
    """An address that was understood, and not yet looked at."""

    scheme: str
    host: str
    port: int
    path: str
    """With its query, as it goes over the wire."""


class _Deadline:
    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left. Raises TimeoutError when there are none."""
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds


def fetch(url: str, *, max_bytes: int, allowance: Allowance) -> bytes:
    """Return what that address answers, whatever it is. It takes TIME_S at most.

    Raises NotFetched, of which TooLong means more than `max_bytes`.
    """
    deadline = _Deadline(TIME_S)
    here = url
    try:
        for _ in range(1 + MOST_REDIRECTS):
            target = _parse(here)
            addresses = _look_up(target, deadline, allowance=allowance)
            answer = _ask(target, addresses, deadline, max_bytes=max_bytes)
            if isinstance(answer, bytes):
                return answer
            here = urljoin(here, answer)
        raise _Refusal(f"redirects more than {MOST_REDIRECTS} times")
    except _Refusal as exc:
        raise NotFetched(f"{_shown(url)} {exc}.") from exc
    except TimeoutError as exc:
        raise NotFetched(f"{_shown(url)} did not answer within {TIME_S:g} seconds.") from exc
    except (OSError, HTTPException) as exc:
        logger.info("Not fetched: %s", exc)
        raise NotFetched(f"{_shown(url)} cannot be reached, or does not answer in HTTP.") from exc
    except ValueError as exc:
        raise NotFetched(f"{_shown(url)} is none of the web: {exc}.") from exc


def _shown(url: str) -> str:
    return f"The address {url[:200]!r}"


def _parse(url: str) -> _Target:
    """Take the address apart. Raises _Refusal, and ValueError for what is no address at all."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS:
        raise _Refusal(f"begins with {parts.scheme!r}; http and https are accepted")
    if "@" in parts.netloc:
        raise _Refusal("has a user name or a password, which are not sent")
    if not parts.hostname:
        raise _Refusal("names no host")
    host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
    port = _PORTS[parts.scheme] if parts.port is None else parts.port
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Target(parts.scheme, host.lower(), port, quote(path, safe="/%:@!$&'()*+,;=~?[]|"))


def _ask(target: _Target, addresses: Sequence[Address], deadline: _Deadline, *, max_bytes: int) -> bytes | str:
    """Return the content, or the address to which it redirects."""
    http = HTTPConnection(target.host, target.port)
    http.default_port = _PORTS[target.scheme]  # the header Host leaves it out
    with _connect(target, addresses, deadline) as http.sock, _cut_off_at(deadline, http.sock):
        http.request("GET", target.path, headers=_HEADERS)
        with http.getresponse() as response:
            return _read(response, max_bytes=max_bytes)


@contextmanager
def _cut_off_at(deadline: _Deadline, connected: socket) -> Iterator[None]:
    """End the connection at the deadline, however slowly the bytes drip. Raises TimeoutError where it came to that."""
    connected.settimeout(None)  # each byte that drips in would begin it anew
    timer = Timer(deadline.left(), _hang_up, [connected])
    timer.start()
    try:
        yield
    except (OSError, HTTPException, _Refusal):
        deadline.left()
        raise
    finally:
        timer.cancel()
    deadline.left()


def _hang_up(connected: socket) -> None:
    with suppress(OSError):  # it has ended just now
        socket.shutdown(connected, SHUT_RDWR)  # below TLS, whose own end would wait for an answer


def _read(response: HTTPResponse, *, max_bytes: int) -> bytes | str:
    if response.status in _REDIRECTS and (location := response.getheader("Location")):
        return location
    if response.status != HTTPStatus.OK:
        raise _Refusal(f"answered {response.status}")
    if response.getheader("Content-Encoding", "identity") != "identity":
        raise _Refusal("answered with compressed content, which was not asked for")
    if (response.length or 0) > max_bytes:
        raise _too_big(max_bytes)
    content = response.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise _too_big(max_bytes)
    if response.length:
        raise _Refusal(f"ended {response.length} bytes before the length that it told")
    return content


def _too_big(max_bytes: int) -> TooLong:
    return TooLong(f"The image weighs more than {max_bytes / 1024**2:.1f} MB.")


def _look_up(target: _Target, deadline: _Deadline, *, allowance: Allowance) -> list[Address]:
    """Return the host's addresses; raise _Refusal unless every one, and the port, may be asked."""
    addresses = _resolve(target, deadline)
    if not allowance.has_name(target.host):
        _check(target, [address for address in addresses if not allowance.has_address(address)])
    return addresses


def _connect(target: _Target, addresses: Sequence[Address], deadline: _Deadline) -> socket:
    """Return a connection to the first of these addresses that takes one."""
    for address in addresses[:-1]:
        try:
            return _open(target, address, timeout_s=deadline.left() / 2)
        except OSError as exc:
            logger.info("Not reached host=%s address=%s: %s", target.host, address, exc)
    return _open(target, addresses[-1], timeout_s=deadline.left())


def _open(target: _Target, address: Address, *, timeout_s: float) -> socket:
    connected = create_connection((str(address), target.port), timeout=timeout_s)
    if target.scheme == "http":
        return connected
    try:
        return _tls().wrap_socket(connected, server_hostname=target.host)
    except BaseException:
        connected.close()
        raise


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())  # where the system has no certificates
    return context


def _resolve(target: _Target, deadline: _Deadline) -> list[Address]:
    """Ask the resolver, in a thread, as it knows no time limit of ours. Raises OSError and TimeoutError."""
    pool = ThreadPoolExecutor(1)
    try:
        asked = pool.submit(getaddrinfo, target.host, target.port, type=SOCK_STREAM)
        return [ip_address(str(where[0])) for *_kind, where in asked.result(deadline.left())]
    finally:
        pool.shutdown(wait=False)


def _check(target: _Target, unlisted: Sequence[Address]) -> None:
    """Raise _Refusal unless these addresses of the target, and its port, may be asked by everybody."""
    if private := [address for address in unlisted if not is_public(address)]:
        logger.warning("Not fetched: %s is at %s, which is not public", target.host, private[0])
        raise _Refusal("leads to a machine that is not in the public Internet")
    if unlisted and target.port not in _PUBLIC_PORTS:
        raise _Refusal(f"names port {target.port}; 80 and 443 are accepted")
