"""Pictures by their content, and the vectors computed from them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from pgvector.django import VectorField

from accounts.models import User


class PictureQuerySet(models.QuerySet["Picture"]):
    def visible_to(self, user: User | AnonymousUser) -> PictureQuerySet:
        """All pictures for developers, none for others: what those may see is shown by the rooms that know why."""
        return self if user.has_perm("accounts.develop") else self.none()


class Picture(models.Model):
    """Bytes known by their sha256: one row and one blob per content."""

    sha256 = models.CharField(max_length=64, unique=True, help_text="Of the stored bytes, in hexadecimal.")
    format = models.CharField(max_length=8, help_text="As Pillow names it: JPEG, PNG, BMP or GIF.")
    width = models.PositiveIntegerField(help_text="Pixels, of the upright picture.")
    height = models.PositiveIntegerField(help_text="Pixels, of the upright picture.")
    byte_size = models.PositiveIntegerField()
    blob_key = models.CharField(max_length=100, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="pictures")
    lost_at = models.DateTimeField(
        null=True, editable=False, help_text="When `reconcile_blobs` found that the storage has no such blob."
    )

    objects = PictureQuerySet.as_manager()

    class Meta:
        verbose_name = _("picture")
        constraints = [
            models.CheckConstraint(condition=Q(sha256__regex="^[0-9a-f]{64}$"), name="picture_sha256_is_hexadecimal"),
            models.CheckConstraint(condition=Q(width__gt=0, height__gt=0), name="picture_has_pixels"),
        ]

    def __str__(self) -> str:
        return f"{self.format} {self.width}×{self.height} {self.sha256[:12]}"


class WaitingBlobQuerySet(models.QuerySet["WaitingBlob"]):
    def due(self, now: datetime) -> WaitingBlobQuerySet:
        """Blobs to be tried now, those that have waited longest first.

        Also those that were put off further than that is ever done: the clock went back since.
        """
        latest = now + WaitingBlob.LONGEST_WAIT
        return self.filter(Q(next_try_at__lte=now) | Q(next_try_at__gt=latest)).order_by("next_try_at")

    def put_off(self, now: datetime) -> WaitingBlobQuerySet:
        """Blobs that the storage has refused just now: while there are any, it need not be asked again."""
        return self.filter(next_try_at__gt=now, next_try_at__lte=now + WaitingBlob.LONGEST_WAIT)


class WaitingBlob(models.Model):
    """A picture's bytes that the storage has refused; the worker delivers them. Logged, unlike pending photos."""

    FIRST_WAIT = timedelta(seconds=10)
    LONGEST_WAIT = timedelta(minutes=15)

    picture = models.OneToOneField(Picture, on_delete=models.CASCADE, related_name="waiting_blob")
    content = models.BinaryField()
    attempts = models.PositiveIntegerField(default=0, help_text="How often the storage has refused it.")
    next_try_at = models.DateTimeField(db_index=True)
    last_error = models.CharField(max_length=200, blank=True, help_text="In a few words, why it was refused.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = WaitingBlobQuerySet.as_manager()

    class Meta:
        verbose_name = _("waiting file")
        verbose_name_plural = _("waiting files")

    def __str__(self) -> str:
        return f"bytes of picture {self.picture_id}"

    def note_refusal(self, reason: str, *, now: datetime) -> None:
        """Put the next attempt off, twice as long each time."""
        wait = self.FIRST_WAIT * 2 ** min(self.attempts, 10)
        self.attempts += 1
        self.next_try_at = now + min(wait, self.LONGEST_WAIT)
        self.last_error = reason[:200]


class Vector(models.Model):
    """What a backbone made of a picture; never computed twice."""

    picture = models.ForeignKey(Picture, on_delete=models.CASCADE, related_name="vectors")
    backbone = models.CharField(max_length=100, help_text="The backbone's name.")
    value = VectorField(help_text="As the backbone gives it, not normalised.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("vector")
        constraints = [
            models.UniqueConstraint(fields=["picture", "backbone"], name="vector_once_per_picture_and_backbone")
        ]

    def __str__(self) -> str:
        return f"{self.backbone} of {self.picture_id}"
