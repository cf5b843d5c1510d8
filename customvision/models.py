"""What the API alone keeps."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from training.models import Iteration


class Export(models.Model):
    """A package of an iteration for one platform, which programs ask for and fetch."""

    class Status(models.TextChoices):
        EXPORTING = "Exporting"
        DONE = "Done"
        FAILED = "Failed"

    uid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False, help_text="Names its file.")
    iteration = models.ForeignKey(Iteration, on_delete=models.CASCADE, related_name="exports")
    platform = models.CharField(max_length=20)
    flavor = models.CharField(max_length=20, blank=True, help_text="Empty: none was asked for.")
    status = models.CharField(max_length=10, choices=Status, default=Status.EXPORTING)
    blob_key = models.CharField(max_length=100, blank=True, help_text="Of the package, once it is done.")
    error = models.TextField(blank=True, help_text="Why it failed: a sentence for people.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["iteration", "platform", "flavor"], name="export_once_per_iteration_platform_and_flavor"
            ),
            models.CheckConstraint(
                condition=Q(status="Done", blob_key__gt="") | (~Q(status="Done") & Q(blob_key="")),
                name="export_that_is_done_has_a_package",
            ),
            models.CheckConstraint(
                condition=Q(status="Failed", error__gt="") | (~Q(status="Failed") & Q(error="")),
                name="export_that_failed_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.platform} {self.flavor}".strip()
