"""Photos that came under two tags where an image may have one."""

from __future__ import annotations

from django.db import models
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from training.models.images import Image, ImageTag
from training.models.projects import Tag


class ContradictionQuerySet(models.QuerySet["Contradiction"]):
    def unsettled(self) -> ContradictionQuerySet:
        """Those that nobody has decided on, and whose image has not got the other tag meanwhile."""
        has_it = ImageTag.objects.filter(image=OuterRef("image"), tag=OuterRef("tag"))
        return self.filter(~Exists(has_it), settled_at=None)


class Contradiction(models.Model):
    """An image came again under a tag that it may not have beside its own."""

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="contradictions")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="+", help_text="Under which it came again.")
    created_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True, blank=True, help_text="When somebody decided on it.")

    objects = ContradictionQuerySet.as_manager()

    class Meta:
        verbose_name = _("contradiction")
        constraints = [models.UniqueConstraint(fields=["image", "tag"], name="contradiction_once_per_image_and_tag")]

    def __str__(self) -> str:
        return f"{self.tag_id} against the tag of {self.image_id}"
