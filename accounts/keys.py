"""Keys by which programs are known: made, found, revoked."""

import hashlib
import hmac
import logging
import secrets
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.utils import timezone

from accounts.models import ApiKey, User
from web.row_cache import cached

logger = logging.getLogger(__name__)

KIND = "cfr_"  # by which people and secret scanners tell that it is a key, and whose
PREFIX_LENGTH = 12
USE_NOTED_EVERY = timedelta(minutes=1)


def create_key(
    *,
    name: str,
    scope: str,
    by: User | None,
    project_uid: UUID | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Make a key; return its row and its text, which cannot be read again.

    project_uid: of the only project that it opens; None: all of them.
    """
    text = KIND + secrets.token_hex(20)
    key = ApiKey.objects.create(
        name=name,
        scope=scope,
        project_uid=project_uid,
        prefix=text[:PREFIX_LENGTH],
        digest=_digest(text),
        expires_at=expires_at,
        owner=by,
    )
    logger.info("Created api_key=%s scope=%s project=%s", key.prefix, scope, project_uid or "all")
    return key, text


def is_name_used(name: str) -> bool:
    """Say whether a key of that name, in any case, opens something now: a new one would be taken for it."""
    return ApiKey.objects.usable(timezone.now()).filter(name__iexact=name).exists()


def end_of(last_day: date) -> datetime:
    """Return the moment in which that day ends, where its reader is, or by TIME_ZONE for a command."""
    return timezone.make_aware(datetime.combine(last_day + timedelta(days=1), time()))


def find_key(text: str, *, now: datetime) -> ApiKey | None:
    """Return the key of that text if it may be used now, and note that it was, to the minute."""
    key = _known_key(text)
    if key is None or not key.is_usable_at(now):
        return None
    if key.last_used_at is None or now - key.last_used_at > USE_NOTED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key


def is_stopped(text: str) -> bool:
    """Say whether the key of that text would open something, were its owner not deactivated."""
    key = _known_key(text)
    return key is not None and key.is_stopped and key.revoked_at is None


def may_still_be_used(pk: int, *, now: datetime) -> bool:
    """Say whether the key of that number opens something now."""
    key = cached(("key", pk), lambda: ApiKey.objects.select_related("owner").filter(pk=pk).first())
    return key is not None and key.is_usable_at(now)


def _known_key(text: str) -> ApiKey | None:
    """Return the key of that text, whether it opens something or not."""
    prefix = text[:PREFIX_LENGTH]
    key = cached(("key", prefix), lambda: ApiKey.objects.select_related("owner").filter(prefix=prefix).first())
    return key if key is not None and hmac.compare_digest(key.digest, _digest(text)) else None


def hand_over(key: ApiKey, *, to: User) -> None:
    """Let another person answer for the key; programs that use it notice nothing."""
    ApiKey.objects.filter(pk=key.pk).update(owner=to)
    logger.info("Handed over api_key=%s to_user=%s", key.prefix, to.pk)


def revoke_keys_of(users: Iterable[User]) -> int:
    """Revoke the keys of people who can answer for them no longer; return how many."""
    keys = list(ApiKey.objects.not_revoked_of(users))
    for key in keys:
        revoke_key(key)
    return len(keys)


def revoke_key(key: ApiKey) -> None:
    """Revoke the key for good. One that is revoked already stays as it is."""
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
    logger.info("Revoked api_key=%s", key.prefix)


def _digest(text: str) -> str:
    """Return the hash that stands for the key: of 160 random bits, a slow one would protect no better."""
    return hashlib.sha256(text.encode()).hexdigest()
