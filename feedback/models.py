"""What people said of predictions, and the photos they called wrong."""

from __future__ import annotations

from datetime import date, datetime, time

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from catalog.models import Picture, WaitingBlob
from classifier.models import Prediction, Row

OTHER = "autre"
"""Stored as the suggested tag when the photo shows something that the project has no tag for."""


class Verdict(models.Model):
    """What one person said of their prediction. Every one is stored: an error rate needs its denominator."""

    class Value(models.TextChoices):
        OK = "OK", "OK"
        NOK = "NOK", "NOK"

    prediction = models.OneToOneField(Prediction, on_delete=models.CASCADE, related_name="verdict")
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="verdicts")
    value = models.CharField(max_length=3, choices=Value)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = _("verdict")
        constraints = [models.CheckConstraint(condition=Q(value__in=["OK", "NOK"]), name="verdict_is_ok_or_nok")]

    def __str__(self) -> str:
        return f"{self.value} on {self.prediction_id}"


class MispredictionQuerySet(models.QuerySet["Misprediction"]):
    def with_pictures(self) -> MispredictionQuerySet:
        """With the row of each picture, and `picture_waits`: whether its bytes still wait for the storage."""
        waiting = WaitingBlob.objects.filter(picture=OuterRef("picture"))
        return self.select_related("picture").annotate(picture_waits=Exists(waiting))

    def newest_first(self) -> MispredictionQuerySet:
        return self.order_by("-pk")

    def since(self, day: date) -> MispredictionQuerySet:
        """From the beginning of that day, in the site's time zone."""
        return self.filter(created_at__gte=timezone.make_aware(datetime.combine(day, time.min)))

    def until(self, day: date) -> MispredictionQuerySet:
        """To the end of that day, in the site's time zone."""
        return self.filter(created_at__lte=timezone.make_aware(datetime.combine(day, time.max)))


class Misprediction(models.Model):
    """A photo that its sender called wrongly predicted, kept for review.

    The columns repeat what the prediction says, so that a row can be read by itself, by people and by other programs.
    """

    verdict = models.OneToOneField(Verdict, on_delete=models.PROTECT, related_name="misprediction")
    picture = models.ForeignKey(Picture, on_delete=models.PROTECT, related_name="mispredictions")
    image_url = models.CharField(max_length=500, help_text=_("Where the blob is; it opens nothing by itself."))
    tag = models.CharField(max_length=200, help_text=_("The most probable tag."))
    probability = models.DecimalField(max_digits=7, decimal_places=4, help_text=_("Of that tag, in percent."))
    username = models.CharField(max_length=150, help_text=_("Who sent the photo."))
    probabilities = models.JSONField(help_text=_("Pairs of tag and probability, the most probable first."))
    iteration_name = models.CharField(max_length=200)
    project_name = models.CharField(max_length=100)
    suggested_tag = models.CharField(max_length=200, blank=True, help_text=_("What the sender says it is."))
    comment = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MispredictionQuerySet.as_manager()

    class Meta:
        verbose_name = _("wrong prediction")
        verbose_name_plural = _("wrong predictions")
        constraints = [
            models.CheckConstraint(
                condition=Q(probability__gte=0, probability__lte=100), name="misprediction_probability_is_percent"
            )
        ]
        indexes = [
            models.Index(fields=["tag", "-id"], name="misprediction_by_tag"),
            models.Index(fields=["username", "-id"], name="misprediction_by_user"),
            models.Index(fields=["iteration_name", "-id"], name="misprediction_by_iteration"),
            models.Index(fields=["created_at"], name="misprediction_by_day"),
        ]

    def __str__(self) -> str:
        return f"{self.tag} {self.probability} % ({self.username})"

    @property
    def suggestion(self) -> str:
        """What the sender says it is, in the reader's language."""
        return gettext("other") if self.suggested_tag == OTHER else self.suggested_tag

    @property
    def rows(self) -> list[Row]:
        """All tags, the most probable first."""
        return [Row(tag, probability) for tag, probability in self.probabilities]
