"""Steps on users that commands and the admin take."""

import logging
import secrets
from collections.abc import Collection, Mapping, Sequence

from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q

from accounts.exceptions import LastAdministrator
from accounts.keys import hand_over, revoke_keys_of
from accounts.models import ApiKey, Grant, PasswordLink, Shareable, User
from accounts.roles import GROUPS, MAY_HAVE_KEYS, Role

logger = logging.getLogger(__name__)

FIRST_USERS = {"client": Role.USER, "reviewer": Role.REVIEWER, "developer": Role.DEVELOPER}


@transaction.atomic
def create_first_users(passwords: Mapping[str, str]) -> dict[str, str]:
    """Create a user of each role but the highest, where there is nobody yet; return the random passwords made.

    passwords: by username, what the environment asks for; "" or absent means a random one.
    """
    made: dict[str, str] = {}
    if User.objects.exists():
        return made
    for username, role in FIRST_USERS.items():
        given = passwords.get(username, "")
        password = given or secrets.token_urlsafe(12)
        set_role(User.objects.create_user(username, password=password), role, successors={})
        if not given:
            made[username] = password
    return made


@transaction.atomic
def deactivate_users(users: Sequence[User], *, successors: Mapping[ApiKey, User]) -> int:
    """Deactivate them, and give each key to its successor; return how many keys stop for want of one.

    Raises LastAdministrator.
    """
    _leave_an_administrator(without=users)
    for key, successor in successors.items():
        hand_over(key, to=successor)
    User.objects.filter(pk__in=[user.pk for user in users]).update(is_active=False)
    PasswordLink.objects.filter(user__in=users).delete()
    logger.info("Deactivated users=%s", ",".join(str(user.pk) for user in users))
    return ApiKey.objects.not_revoked_of(users).count()


def activate_user(user: User) -> None:
    """Let them sign in again; their keys work again too."""
    User.objects.filter(pk=user.pk).update(is_active=True)
    logger.info("Activated user=%s", user.pk)


@transaction.atomic
def set_role(user: User, role: Role, *, successors: Mapping[ApiKey, User]) -> int:
    """Let them do what that role may, and nothing else; return how many of their keys are revoked.

    successors: of keys, where the role may have none. What else the former role opened ends with the next request.
    Raises LastAdministrator.
    """
    if role != Role.ADMINISTRATOR:
        _leave_an_administrator(without=[user])
    user.user_permissions.clear()
    user.groups.remove(*user.groups.filter(permissions__content_type__app_label="accounts"))
    if role in GROUPS:
        user.groups.add(Group.objects.get(name=GROUPS[role]))
    user.is_superuser = user.is_staff = role == Role.ADMINISTRATOR
    user.save(update_fields=["is_superuser", "is_staff"])
    logger.info("Set role user=%s role=%s", user.pk, role)
    if role in MAY_HAVE_KEYS:
        return 0
    for key, successor in successors.items():
        hand_over(key, to=successor)
    return revoke_keys_of([user])


def _leave_an_administrator(*, without: Collection[User]) -> None:
    """Raise LastAdministrator where these people are all administrators that there are. Two at once wait here."""
    active = User.objects.select_for_update().filter(is_superuser=True, is_active=True).order_by("pk")
    if (administrators := set(active)) and administrators <= set(without):
        raise LastAdministrator


@transaction.atomic
def share(thing: Shareable, *, is_open: bool, users: Collection[User], groups: Collection[Group]) -> None:
    """Let everybody who signs in use it, or these people and groups alone.

    While it is open to everybody, the names are stored for when it is not.
    """
    thing.is_open = is_open
    thing.save(update_fields=["is_open"])
    thing.grants.exclude(Q(user__in=users) | Q(group__in=groups)).delete()
    of = {"content_type": ContentType.objects.get_for_model(thing), "object_id": thing.pk}
    named = [*(Grant(user=user, **of) for user in users), *(Grant(group=group, **of) for group in groups)]
    Grant.objects.bulk_create(named, ignore_conflicts=True)
    logger.info("Shared kind=%s id=%s open=%s grants=%s", type(thing).__name__, thing.pk, is_open, len(named))
