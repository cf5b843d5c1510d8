"""Pictures by their content, and the vectors computed from them."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from pgvector.django import VectorField

from accounts.models import User


class PictureQuerySet(models.QuerySet["Picture"]):
    def visible_to(self, user: User | AnonymousUser) -> PictureQuerySet:
        """All pictures for reviewers and developers, none for others: their own photos are shown by other pages."""
        may_look = user.has_perm("accounts.review") or user.has_perm("accounts.develop")
        return self if may_look else self.none()


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

    objects = PictureQuerySet.as_manager()

    class Meta:
        verbose_name = _("picture")
        constraints = [
            models.CheckConstraint(condition=Q(sha256__regex="^[0-9a-f]{64}$"), name="picture_sha256_is_hexadecimal"),
            models.CheckConstraint(condition=Q(width__gt=0, height__gt=0), name="picture_has_pixels"),
        ]

    def __str__(self) -> str:
        return f"{self.format} {self.width}×{self.height} {self.sha256[:12]}"


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
