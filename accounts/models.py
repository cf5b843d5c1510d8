"""People and what they may do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Self, TypeVar

from django.contrib.auth.models import AbstractUser, AnonymousUser, Group
from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

REVIEWERS = "Réviseurs"
DEVELOPERS = "Développeurs"

Row = TypeVar("Row", bound=models.Model)


class User(AbstractUser):
    """A person who signs in. What they may do comes from their groups, see `REVIEWERS` and `DEVELOPERS`."""

    class Theme(models.TextChoices):
        AUTO = "auto", _("Automatic")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    language = models.CharField(
        _("language"), max_length=8, blank=True, help_text=_("Empty: the language that the browser asks for.")
    )
    theme = models.CharField(_("theme"), max_length=8, choices=Theme, default=Theme.AUTO)
    uses_keys = models.BooleanField(
        _("shortcuts of one key"), default=True, help_text=_("Such as o and n; off for who speaks to the computer.")
    )

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        permissions = [
            ("review", gettext_noop("May see and delete wrong predictions")),
            ("develop", gettext_noop("May create tags, train and publish")),
        ]

    def __str__(self) -> str:
        return self.username


class PasswordLink(models.Model):
    """The link by which somebody sets their password, once: the last one that was made for them."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="password_link")
    digest = models.CharField(max_length=64, unique=True, help_text="The sha256 of its text, in hexadecimal.")
    replaces = models.CharField(
        max_length=64, help_text="The sha256 of what is stored of the password: with another one the link is dead."
    )
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user}: {self.expires_at:%Y-%m-%d %H:%M}"


class GrantQuerySet(models.QuerySet["Grant"]):
    def held_by(self, user: User) -> GrantQuerySet:
        """What is granted to them, or to a group that they are in."""
        return self.filter(Q(user=user) | Q(group__in=user.groups.all()))

    def on(self, model: type[models.Model]) -> GrantQuerySet:
        """Grants of rows of that model."""
        about = model._meta  # noqa: SLF001  # what Django documents under this name
        return self.filter(content_type__app_label=about.app_label, content_type__model=about.model_name)


class Grant(models.Model):
    """That somebody, or everybody in a group, may use one thing which is not open to everybody.

    Things live in rooms above this one: their models are `Shareable`.
    """

    content_type = models.ForeignKey(ContentType, on_delete=models.CASCADE, related_name="+")
    object_id = models.PositiveBigIntegerField()
    thing = GenericForeignKey("content_type", "object_id")
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="grants")
    group = models.ForeignKey(Group, on_delete=models.CASCADE, null=True, related_name="grants")

    objects = GrantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, group=None) | Q(user=None, group__isnull=False),
                name="grant_is_to_a_user_or_to_a_group",
            ),
            models.UniqueConstraint(fields=["content_type", "object_id", "user"], name="grant_once_per_user"),
            models.UniqueConstraint(fields=["content_type", "object_id", "group"], name="grant_once_per_group"),
        ]

    def __str__(self) -> str:
        return f"{self.user or self.group}: {self.thing}"


class ShareableQuerySet(models.QuerySet[Row]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """What they may use: developers everything, others what is open, or granted to them or to a group of theirs."""
        if user.is_anonymous:
            return self.none()
        if user.has_perm("accounts.develop"):
            return self
        granted = Grant.objects.on(self.model).held_by(user).values("object_id")
        return self.filter(Q(is_open=True) | Q(pk__in=granted))


class Shareable(models.Model):
    """Something that everybody who signs in may use, or only those whom grants name; developers always.

    Its manager is of a `ShareableQuerySet`. Its grants are deleted with it.
    """

    is_open = models.BooleanField(
        _("open"), default=True, db_default=True, help_text=_("To everybody who signs in; else to those named.")
    )
    grants = GenericRelation(Grant)

    class Meta:
        abstract = True

    @property
    def granted_users(self) -> models.QuerySet[User]:
        """Those who are named themselves, also while it is open to everybody."""
        return User.objects.filter(grants__in=self.grants.all()).order_by("username")

    @property
    def granted_groups(self) -> models.QuerySet[Group]:
        """Likewise the groups."""
        return Group.objects.filter(grants__in=self.grants.all()).order_by("name")


class RequestCount(models.Model):
    """How many requests of one kind somebody has sent in a minute; `web.limits` counts them, unlogged."""

    key = models.TextField(primary_key=True)
    count = models.PositiveIntegerField()
    ends_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.key}: {self.count}"


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def usable(self, now: datetime) -> ApiKeyQuerySet:
        """Keys that open something at that time."""
        is_current = Q(expires_at=None) | Q(expires_at__gt=now)
        return self.filter(is_current, revoked_at=None).exclude(owner__is_active=False)

    def not_revoked_of(self, users: Iterable[User]) -> ApiKeyQuerySet:
        """Keys of these people that only their deactivation stops."""
        return self.filter(owner__in=users, revoked_at=None)


class ApiKey(models.Model):
    """A key by which a program is known. Its text is shown once; what is stored is a hash of it."""

    class Scope(models.TextChoices):
        TRAINING = "training", _("training")
        PREDICTION = "prediction", _("prediction")
        ALL = "all", _("training and prediction")

    name = models.CharField(_("name"), max_length=100, help_text=_("What it is for."))
    scope = models.CharField(_("scope"), max_length=10, choices=Scope)
    project_uid = models.UUIDField(
        _("project"), null=True, blank=True, help_text=_("The only project that it opens; empty: all of them.")
    )
    prefix = models.CharField(
        _("prefix"), max_length=12, unique=True, help_text=_("Its beginning, by which people tell keys apart.")
    )
    digest = models.CharField(max_length=64, help_text="The sha256 of its text, in hexadecimal.")
    owner = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        related_name="api_keys",
        verbose_name=_("owner"),
        help_text=_("Who answers for it; when they are deactivated, it stops."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, help_text=_("To the minute."))
    revoked_at = models.DateTimeField(_("revoked"), null=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="api_key_has_a_name"),
            models.CheckConstraint(
                condition=Q(scope__in=["training", "prediction", "all"]), name="api_key_scope_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_usable(self) -> bool:
        return self.is_usable_at(timezone.now())

    def is_usable_at(self, now: datetime) -> bool:
        """Say whether it opens something at that time."""
        return self.revoked_at is None and not self.is_stopped and (self.expires_at is None or self.expires_at > now)

    @property
    def is_stopped(self) -> bool:
        """Whether its owner is deactivated. It works again once they are active, or for another owner."""
        return self.owner is not None and not self.owner.is_active

    def allows(self, scope: str) -> bool:
        """Say whether it opens what that scope is about."""
        return self.scope in {scope, self.Scope.ALL}
