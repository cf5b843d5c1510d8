"""Roles, from the one that may do least: each may do what those before may."""

from collections.abc import Iterable

from django.contrib.auth.models import Permission
from django.db.models import Case, Exists, OuterRef, Q, TextChoices, Value, When
from django.utils.translation import gettext_lazy as _

from accounts.models import DEVELOPERS, REVIEWERS, User


class Role(TextChoices):
    """What a person may do."""

    USER = "user", _("user")
    REVIEWER = "reviewer", _("reviewer")
    DEVELOPER = "developer", _("developer")
    ADMINISTRATOR = "administrator", _("administrator")


GROUPS = {Role.REVIEWER: REVIEWERS, Role.DEVELOPER: DEVELOPERS}
MAY_HAVE_KEYS = (Role.DEVELOPER, Role.ADMINISTRATOR)


def roles_of(users: Iterable[User]) -> dict[User, Role]:
    """Return the role of each: what they may do once they are active, however they came by it."""
    found = User.objects.filter(pk__in=[user.pk for user in users]).annotate(
        role=Case(
            When(is_superuser=True, then=Value(Role.ADMINISTRATOR)),
            When(_is_given("develop"), then=Value(Role.DEVELOPER)),
            When(_is_given("review"), then=Value(Role.REVIEWER)),
            default=Value(Role.USER),
        )
    )
    return {user: Role(user.role) for user in found}


def role_of(user: User) -> Role:
    return roles_of([user])[user]


def _is_given(codename: str) -> Exists:
    is_theirs = Q(user=OuterRef("pk")) | Q(group__user=OuterRef("pk"))
    return Exists(Permission.objects.filter(is_theirs, content_type__app_label="accounts", codename=codename))
