"""Steps on users that commands and the admin take."""

import logging
import secrets
from collections.abc import Mapping, Sequence

from django.contrib.auth.models import Group
from django.db import transaction

from accounts.keys import hand_over
from accounts.models import REVIEWERS, ApiKey, User

logger = logging.getLogger(__name__)


def create_first_users(passwords: dict[str, str]) -> dict[str, str]:
    """Create the users `reviewer` and `client` where they are missing; return the random passwords that were made.

    passwords: by username, what the environment asks for; "" or absent means a random one. An existing user is left
    as is, and their password cannot be read again.
    """
    made: dict[str, str] = {}
    for username in ("reviewer", "client"):
        if User.objects.filter(username=username).exists():
            continue
        given = passwords.get(username, "")
        password = given or secrets.token_urlsafe(12)
        is_reviewer = username == "reviewer"
        user = User.objects.create_user(username, password=password, is_staff=is_reviewer)
        if is_reviewer:
            user.groups.add(Group.objects.get(name=REVIEWERS))
        if not given:
            made[username] = password
    return made


@transaction.atomic
def deactivate_users(users: Sequence[User], *, successors: Mapping[ApiKey, User]) -> int:
    """Deactivate them, and give each key to its successor; return how many keys stop for want of one."""
    for key, successor in successors.items():
        hand_over(key, to=successor)
    User.objects.filter(pk__in=[user.pk for user in users]).update(is_active=False)
    logger.info("Deactivated users=%s", ",".join(str(user.pk) for user in users))
    return ApiKey.objects.not_revoked_of(users).count()
