"""What the API alone keeps: answers with their pictures, for a while, and packages of iterations."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from catalog.models import Picture
from feedback.models import Misprediction
from training.models import Iteration, Project

LONGEST_APPLICATION = 200


class StoredPredictionQuerySet(models.QuerySet["StoredPrediction"]):
    def due(self, before: datetime) -> StoredPredictionQuerySet:
        """What is older than that, and what belongs to a project that is deleted."""
        return self.filter(Q(created_at__lt=before) | Q(project=None))

    def waiting(self) -> StoredPredictionQuerySet:
        """Those that reviewers have not dealt with: what programs are shown."""
        is_open = Q(misprediction__state=Misprediction.State.OPEN, misprediction__deleted_at=None)
        return self.filter(Q(misprediction=None) | is_open)

    def with_tag(self, uid: uuid.UUID, *, at_least: float, at_most: float) -> StoredPredictionQuerySet:
        """Answers in which the tag's probability is in that range, both ends included."""
        place = f"predictions__{uid}__0"
        bounds: dict[str, Any] = {f"{place}__gte": at_least, f"{place}__lte": at_most}
        return self.filter(**bounds)


class StoredPrediction(models.Model):
    """One answer to a program, and the picture that it was about.

    It names the iteration and the tags as they were, so that they may be deleted. It goes with its project; what was
    stored while the project was being deleted is purged with what is too old.
    """

    uid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False, help_text="By which programs know it.")
    project = models.ForeignKey(Project, on_delete=models.SET_NULL, null=True, related_name="stored_predictions")
    iteration_uid = models.UUIDField(help_text="Stays when the iteration is deleted.")
    picture = models.ForeignKey(Picture, on_delete=models.PROTECT, related_name="stored_predictions")
    misprediction = models.OneToOneField(
        Misprediction,
        on_delete=models.CASCADE,
        null=True,
        related_name="stored_prediction",
        help_text="Its place in the reviewers' queue; null: it has none yet.",
    )
    predictions = models.JSONField(help_text="By the tag's uid: its probability, its name and its type.")
    uncertainty = models.FloatField(help_text="0 to 1.")
    application = models.CharField(max_length=LONGEST_APPLICATION, blank=True, help_text="As the program names itself.")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = StoredPredictionQuerySet.as_manager()

    class Meta:
        verbose_name = _("stored prediction")
        indexes = [
            models.Index(fields=["project", "-id"], name="stored_prediction_by_project"),
            models.Index(fields=["id"], condition=Q(misprediction=None), name="stored_prediction_not_queued"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(uncertainty__gte=0, uncertainty__lte=1), name="stored_prediction_uncertainty_is_0_to_1"
            )
        ]

    def __str__(self) -> str:
        return str(self.uid)


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
