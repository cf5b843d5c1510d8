"""Images of projects, and which tags they have."""

from __future__ import annotations

import uuid

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from catalog.models import Picture
from engine.splitting import Part
from training.models.iterations import Iteration
from training.models.projects import Project, Tag


class ImageQuerySet(models.QuerySet["Image"]):
    def usable(self) -> ImageQuerySet:
        """Images that training may use: not quarantined."""
        return self.filter(quarantine="")

    def tagged(self) -> ImageQuerySet:
        return self.filter(Exists(ImageTag.objects.filter(image=OuterRef("pk"))))

    def untagged(self) -> ImageQuerySet:
        return self.filter(~Exists(ImageTag.objects.filter(image=OuterRef("pk"))))

    def with_tag(self, *keys: int) -> ImageQuerySet:
        """Images with at least one of these tags."""
        return self.filter(Exists(ImageTag.objects.filter(image=OuterRef("pk"), tag__in=keys)))

    def without_vector(self, backbone: str) -> ImageQuerySet:
        """Images whose picture that backbone has not embedded yet."""
        return self.exclude(picture__vectors__backbone=backbone)

    def new_corrections(self) -> ImageQuerySet:
        """Corrections that came after the last completed training of their project."""
        last = Iteration.objects.completed().filter(project=OuterRef("project")).order_by("-number")
        told = self.filter(source=Image.Source.CORRECTION).annotate(last=Subquery(last.values("created_at")[:1]))
        return told.filter(Q(last=None) | Q(created_at__gt=F("last")))

    def newest_first(self) -> ImageQuerySet:
        return self.order_by("-pk")

    def locked(self) -> ImageQuerySet:
        """Keep others from changing them until the transaction ends; in one order, as nobody must wait in a circle."""
        return self.select_for_update(of=("self",)).order_by("pk")


class Image(models.Model):
    """A picture's place in a project, with its tags."""

    class Source(models.TextChoices):
        UPLOAD = "upload", _("uploaded")
        CORRECTION = "correction", _("a correction")
        PREDICTION = "prediction", _("a prediction")
        IMPORT = "import", _("imported")

    uid = models.UUIDField(
        unique=True, default=uuid.uuid4, db_default=RandomUUID(), editable=False, help_text="By which programs know it."
    )
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="images")
    picture = models.ForeignKey(Picture, on_delete=models.PROTECT, related_name="images")
    tags = models.ManyToManyField(Tag, through="training.ImageTag", related_name="images")
    name = models.CharField(max_length=255, blank=True, help_text="Of the file, as it was uploaded.")
    source = models.CharField(max_length=10, choices=Source, default=Source.UPLOAD)
    original_sha256 = models.CharField(max_length=64, help_text="Of the bytes as sent, before metadata was removed.")
    part = models.SmallIntegerField(
        choices=[(part.value, part.name) for part in Part],
        default=Part.UNDECIDED.value,
        help_text="On which side of the split it is, from the first training on or because somebody said so.",
    )
    quarantine = models.CharField(
        max_length=300, blank=True, help_text="Why training leaves it aside; empty: it does not."
    )
    learned_by = models.ForeignKey(
        "training.Iteration",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Of a correction: the first iteration that learned from it.",
    )
    metadata = models.JSONField(default=dict, blank=True, help_text="Pairs of text that programs have put on it.")
    remote_id = models.UUIDField(null=True, blank=True, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = ImageQuerySet.as_manager()

    class Meta:
        verbose_name = _("image")
        constraints = [
            models.UniqueConstraint(fields=["project", "picture"], name="image_once_per_project_and_picture"),
            models.CheckConstraint(condition=Q(part__in=[part.value for part in Part]), name="image_part_is_known"),
            models.CheckConstraint(
                condition=~Q(source="correction", part=Part.HELD_OUT.value),
                name="image_of_a_correction_is_never_held_out",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "-id"], name="image_by_project"),
            models.Index(fields=["project", "original_sha256"], name="image_by_original"),
            models.Index(fields=["project"], condition=~Q(quarantine=""), name="image_quarantined"),
        ]

    def __str__(self) -> str:
        return self.name or f"image {self.pk}"


class ImageTag(models.Model):
    """One tag of one image."""

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="image_tags")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="image_tags")
    is_only = models.BooleanField(
        default=False, help_text="Whether the image may have no other: in Multiclass projects, and for negative tags."
    )
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["image", "tag"], name="image_has_a_tag_once"),
            models.UniqueConstraint(
                fields=["image"], condition=Q(is_only=True), name="image_of_multiclass_project_has_one_tag"
            ),
        ]
        indexes = [models.Index(fields=["tag", "-image"], name="image_by_tag")]

    def __str__(self) -> str:
        return f"{self.tag_id} on {self.image_id}"
