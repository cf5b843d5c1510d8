"""Calls to Azure Custom Vision, as both of its backends make them: how often, how long, what an answer means."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import DeserializationError
from django.conf import settings
from django.utils.translation import gettext as _
from msrest.authentication import ApiKeyCredentials
from msrest.exceptions import ClientException, HttpOperationError, ValidationError

logger = logging.getLogger(__name__)


class CallFailed(Exception):
    """The root of what can go wrong with a call."""


class NotSetUp(CallFailed):
    """A setting is missing or is nonsense; the operator has to act."""


class Unreachable(CallFailed):
    """Nobody answered, or not in time."""


class Unreadable(CallFailed):
    """The answer is not one of Custom Vision's; a proxy may have spoken."""

    def __init__(self) -> None:
        super().__init__("Azure Custom Vision gave an answer that cannot be read.")


class Declined(CallFailed):
    """Azure answered with an error."""

    def __init__(self, *, status: int, code: str, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(f"status {status}, {code or message}")
        self.status, self.code, self.message, self.retry_after_s = status, code, message, retry_after_s

    @property
    def is_rate_limit(self) -> bool:
        """Whether it was not even tried."""
        return self.status == 429

    @property
    def is_out_of_quota(self) -> bool:
        """Whether the resource has had its calls for the month, which the gateway answers as it does a wrong key."""
        return self.status == 403 and "quota" in self.message.lower()

    @property
    def is_busy(self) -> bool:
        """Whether the same call may succeed later."""
        return self.status in {408, 429} or self.status >= 500


@dataclass(frozen=True)
class Patience:
    """How long a busy Azure is waited for."""

    attempts: int
    back_off_s: float
    """Before the second attempt; doubled before each further one."""
    most_wait_s: float
    """A longer wait that Azure asks for is left to whoever called."""
    repeats_errors: bool = True
    """Whether a call is made again after a 5xx, though it may have been carried out; after a 429 it always is."""


class Pace:
    """A number of calls per second that all threads of the process share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next_at = 0.0

    def wait_turn(self, *, per_second: float) -> None:
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next_at)
            self._next_at = turn + 1 / per_second
        time.sleep(turn - now)


def connect(kind: Callable[..., Any], *, endpoint: str, key: str, header: str, address: str = "") -> Any:
    """Make a client of the SDK from the settings of these names, for all threads. Raises NotSetUp.

    address: the endpoint, where it is not the one of the settings.
    """
    needed = (key,) if address else (endpoint, key)
    if missing := [name for name in needed if not getattr(settings, name)]:
        raise NotSetUp(_("Custom Vision needs %(names)s in the environment.") % {"names": ", ".join(missing)})
    address = address or getattr(settings, endpoint)
    if not address.startswith(("https://", "http://")):
        raise NotSetUp(_("%(name)s is no address: it begins with https://.") % {"name": endpoint})
    client = kind(address, ApiKeyCredentials(in_headers={header: getattr(settings, key)}))
    client.config.connection.timeout = settings.CLASSIFR_CUSTOMVISION_TIMEOUT_SECONDS
    client.config.retry_policy.retries = 0  # it never repeats a POST; `call` does
    client.config.retry_policy.policy.status_forcelist = ()  # or else a busy answer to a GET looks like no answer
    return client


def call(operation: Callable[[], Any], *, patience: Patience, wait: Callable[[float], None] = time.sleep) -> Any:
    """Return what the SDK's operation returns; wait and ask again while Azure is busy. Raises CallFailed."""
    back_off_s = patience.back_off_s
    for attempt in range(1, patience.attempts + 1):
        try:
            return _once(operation)
        except Declined as exc:
            pause_s = back_off_s if exc.retry_after_s is None else exc.retry_after_s
            if attempt == patience.attempts or not _is_worth_repeating(exc, pause_s, patience):
                raise
            logger.warning("Custom Vision is busy status=%s attempt=%s", exc.status, attempt)
        wait(pause_s)
        back_off_s *= 2
    raise AssertionError("unreachable")


@contextmanager
def reading() -> Iterator[None]:
    """Raise Unreadable where an answer lacks what it should have."""
    try:
        yield
    except (AttributeError, TypeError, ValueError) as exc:
        raise Unreadable from exc


def _once(operation: Callable[[], Any]) -> Any:
    try:
        return operation()
    except HttpOperationError as exc:
        raise _declined(exc) from exc
    except ValidationError as exc:
        raise Declined(status=400, code="", message=str(exc)) from exc
    except (DeserializationError, TypeError) as exc:  # the SDK's own code fails so on an error without a body
        raise Unreadable from exc
    except ClientException as exc:
        raise Unreachable(f"Azure Custom Vision cannot be reached: {type(exc).__name__}.") from exc


def _is_worth_repeating(exc: Declined, pause_s: float, patience: Patience) -> bool:
    return exc.is_busy and pause_s <= patience.most_wait_s and (exc.is_rate_limit or patience.repeats_errors)


def _declined(exc: HttpOperationError) -> Declined:
    after = exc.response.headers.get("Retry-After", "")
    code = str(getattr(exc.error, "code", None) or "")
    return Declined(
        status=exc.response.status_code,
        code=code,
        message=str(exc) if code else _gateways_message(exc),
        retry_after_s=float(after) if after.isdecimal() else None,
    )


def _gateways_message(exc: HttpOperationError) -> str:
    """Return what the gateway before the service says, in whose errors the SDK finds nothing."""
    try:
        return str(exc.response.json()["error"]["message"])
    except (ValueError, LookupError, TypeError):
        return str(exc)
