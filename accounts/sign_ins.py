"""Who may try to sign in: failures are counted by network, by name and all over the site. See docs/decisions/0017."""

import hashlib
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from accounts.exceptions import Busy, NameLocked, SignInRefused, TooManyFailures
from accounts.hashers import RETRY_S, gate
from accounts.models import RequestCount, User
from web.addresses import client_address, network_of
from web.limits import count_requests, read_counts

logger = logging.getLogger(__name__)

MINUTE_S = 60
NAME_WINDOW_S = 15 * 60
MOST_BY_NAME = 10
MOST_BY_IPV6_64 = 30
MOST_BY_IPV4_24 = 300  # where many may share an address
MOST_OVERALL = 600

DEVICE_COOKIE = "device"
DEVICE_S = 90 * 24 * 3600
_SALT = "accounts.device"


@dataclass(frozen=True)
class Limit:
    """How many failures are forgiven in a window that begins with the first."""

    key: str
    """Under which they are counted."""
    most: int
    window_s: int
    refusal: type[SignInRefused]

    def seconds_left(self, counts: Mapping[str, tuple[int, float]]) -> float:
        """Return how long it is exceeded, by what `read_counts` says; 0: it is not.

        A window that ends later than one from now on was begun before the clock was set back.
        """
        count, left_s = counts.get(self.key, (0, 0.0))
        return left_s if count >= self.most and left_s <= self.window_s else 0.0


@dataclass(frozen=True)
class Attempt:
    """A name and a password, whose limits are known before anybody hashes the password."""

    name: str
    by_name: Limit
    """Counted apart for a browser in which that name was signed in lately: others cannot lock it out."""
    by_network: Limit
    overall: Limit | None
    """None for such a browser."""

    @property
    def limits(self) -> list[Limit]:
        return [limit for limit in (self.by_name, self.by_network, self.overall) if limit]

    def check(self) -> None:
        """Raise SignInRefused where there were too many failures, or where others are hashed just now.

        Who failed lately waits for nobody: of the places in the queue, one is kept for names without a failure, and
        another for those that come from a network without one. So it is not strangers who fill it. Where it is full,
        the database is not asked.
        """
        if gate.is_full:
            raise Busy(RETRY_S)
        counts = read_counts([limit.key for limit in self.limits])
        for limit in self.limits:
            if left_s := limit.seconds_left(counts):
                raise limit.refusal(math.ceil(left_s))
        is_new_name, is_new_network = self.by_name.key not in counts, self.by_network.key not in counts
        if not gate.has_room(1 + is_new_name + (is_new_name and is_new_network)):
            raise Busy(RETRY_S)

    def note_failure(self) -> None:
        """Count it; tell the operator of a limit that is reached."""
        limits = sorted(self.limits, key=lambda limit: limit.key)
        counted = count_requests([limit.key for limit in limits], windows_s=[limit.window_s for limit in limits])
        for limit, (count, seconds) in zip(limits, counted, strict=True):
            if count == limit.most:
                whose = self._user if limit is self.by_name else limit.key
                logger.warning("Sign-in refused for %.0f s after %d failures: %s", seconds, count, whose)

    def note_success(self) -> None:
        """Forget the failures under the name."""
        RequestCount.objects.filter(key=self.by_name.key).delete()

    @property
    def _user(self) -> str:
        """Say who has the name. One that nobody has is not written down: people type their passwords there."""
        pk = User.objects.filter(username=self.name).values_list("pk", flat=True).first()
        return f"user={pk or 'unknown'}"


def attempt_of(request: HttpRequest, name: str) -> Attempt:
    """Return what this request tries."""
    network = network_of(client_address(request), ipv4_prefix=24)
    most = MOST_BY_IPV4_24 if network.endswith("/24") else MOST_BY_IPV6_64
    by_network = Limit(f"sign-in network={network}", most, MINUTE_S, TooManyFailures)
    if device := _device_of(request, name):
        by_device = Limit(f"sign-in device={device}", MOST_BY_NAME, NAME_WINDOW_S, NameLocked)
        return Attempt(name, by_device, by_network, overall=None)
    overall = Limit("sign-in overall", MOST_OVERALL, MINUTE_S, TooManyFailures)
    return Attempt(name, _limit_by_name(name), by_network, overall)


def remember_device(response: HttpResponseBase, name: str) -> None:
    """Let this browser be known as one in which the name was signed in."""
    response.set_signed_cookie(
        DEVICE_COOKIE,
        _digest(name),
        salt=_SALT,
        max_age=DEVICE_S,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def locked_until(user: User) -> datetime | None:
    """Return until when nobody can sign in under that name; None: it is not locked."""
    limit = _limit_by_name(user.username)
    left_s = limit.seconds_left(read_counts([limit.key]))
    return timezone.now() + timedelta(seconds=left_s) if left_s else None


def release_lock(user: User) -> bool:
    """Let sign-ins under that name be tried again; say whether it was locked."""
    was_locked = locked_until(user) is not None
    RequestCount.objects.filter(key=_limit_by_name(user.username).key).delete()
    logger.info("Released sign-in lock user=%s was_locked=%s", user.pk, was_locked)
    return was_locked


def _limit_by_name(name: str) -> Limit:
    return Limit(f"sign-in name={_digest(name)}", MOST_BY_NAME, NAME_WINDOW_S, NameLocked)


def _device_of(request: HttpRequest, name: str) -> str:
    """Return what tells the browser's cookie from others, "" where it has none for that name."""
    known = request.get_signed_cookie(DEVICE_COOKIE, default="", salt=_SALT, max_age=DEVICE_S)
    return _digest(request.COOKIES[DEVICE_COOKIE]) if known == _digest(name) else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
