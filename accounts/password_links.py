"""Links by which people set a password: an administrator hands them out, to invite or because one was forgotten."""

import hashlib
import logging
import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.exceptions import LinkIsDead
from accounts.models import PasswordLink, User
from accounts.sign_ins import release_lock

logger = logging.getLogger(__name__)

LASTS = timedelta(hours=48)


def create_link(*, user: User, by: User) -> tuple[PasswordLink, str]:
    """Make a link in place of the former one; return its row and its text, which cannot be read again."""
    text = secrets.token_urlsafe(32)
    link, _is_new = PasswordLink.objects.update_or_create(
        user=user,
        defaults={
            "digest": _digest(text),
            "replaces": _digest(user.password),
            "expires_at": timezone.now() + LASTS,
        },
    )
    logger.info("Made password link for_user=%s by_user=%s", user.pk, by.pk)
    return link, text


def find_link(text: str) -> PasswordLink:
    """Return the link of that text. Raises LinkIsDead, also where the password was changed since it was made."""
    alive = PasswordLink.objects.filter(expires_at__gt=timezone.now(), user__is_active=True)
    link = alive.select_related("user").filter(digest=_digest(text)).first()
    if link is None or link.replaces != _digest(link.user.password):
        raise LinkIsDead
    return link


@transaction.atomic
def redeem_link(link: PasswordLink, *, password: str) -> None:
    """Set the password, which ends all sessions of the person. Raises LinkIsDead where somebody was faster."""
    if not PasswordLink.objects.filter(digest=link.digest).delete()[0]:
        raise LinkIsDead
    link.user.set_password(password)
    link.user.save(update_fields=["password"])
    release_lock(link.user)
    logger.info("Set password by link user=%s", link.user.pk)


def _digest(text: str) -> str:
    """Return the hash that stands for a text that nobody guesses: a slow one would protect no better."""
    return hashlib.sha256(text.encode()).hexdigest()
