"""People and what they may do."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _

REVIEWERS = "Réviseurs"
DEVELOPERS = "Développeurs"


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

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        permissions = [
            ("review", "May see and delete wrong predictions"),
            ("develop", "May create tags, train and publish"),
        ]

    def __str__(self) -> str:
        return self.username


class RequestCount(models.Model):
    """How many requests of one kind somebody has sent in a minute; `accounts.limits` counts them, unlogged."""

    key = models.TextField(primary_key=True)
    count = models.PositiveIntegerField()
    ends_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.key}: {self.count}"
