"""Predictions, and the photos that wait for their verdict."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from pgvector.django import VectorField

from accounts.models import User
from classifier.backends.base import TagProbability
from training.models import Iteration, Project


class PredictionQuerySet(models.QuerySet["Prediction"]):
    def sent_by(self, user: User | AnonymousUser) -> PredictionQuerySet:
        """A person's own predictions, also of projects that they may not use any more."""
        return self.filter(user_id=user.pk) if user.pk else self.none()

    def visible_to(self, user: User | AnonymousUser) -> PredictionQuerySet:
        """A person's own predictions, of projects that they may use."""
        return self.sent_by(user).filter(project__in=Project.objects.visible_to(user))

    def unjudged(self, now: datetime) -> PredictionQuerySet:
        """Those whose photo waits for its verdict, the oldest first."""
        return self.filter(pending_photo__expires_at__gt=now).order_by("pk")


class Prediction(models.Model):
    """One answer to one photo. It holds no picture."""

    class Confidence(models.TextChoices):
        HIGH = "high"
        MEDIUM = "medium"
        LOW = "low"

    user = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="predictions", verbose_name=_("user")
    )
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="predictions", verbose_name=_("project")
    )
    iteration = models.ForeignKey(
        Iteration,
        on_delete=models.SET_NULL,
        null=True,
        related_name="predictions",
        verbose_name=_("iteration"),
        help_text=_("Empty: Azure answered."),
    )
    iteration_name = models.CharField(_("name of the iteration"), max_length=200)
    probabilities = models.JSONField(help_text="Pairs of tag and probability, the most probable first.")
    top_tag = models.CharField(_("tag"), max_length=200)
    top_probability = models.FloatField(_("probability"), help_text=_("0 to 1."))
    photo_sha256 = models.CharField(max_length=64, help_text="Of the uploaded bytes, in hexadecimal.")
    photo_byte_size = models.PositiveIntegerField()
    milliseconds = models.FloatField(_("milliseconds"), help_text=_("From the bytes to the probabilities."))
    created_at = models.DateTimeField(_("date"), auto_now_add=True, db_index=True)

    objects = PredictionQuerySet.as_manager()

    class Meta:
        verbose_name = _("prediction")
        constraints = [
            models.CheckConstraint(
                condition=Q(top_probability__gte=0, top_probability__lte=1), name="prediction_probability_is_0_to_1"
            )
        ]

    def __str__(self) -> str:
        return f"{self.top_tag} {self.top_probability:.1%}"

    @property
    def rows(self) -> list[TagProbability]:
        """All tags, the most probable first."""
        return [TagProbability(tag, probability) for tag, probability in self.probabilities]

    @property
    def confidence(self) -> Confidence:
        """How the top tag is put in words: from 80 % on it is "very probably" that, under 50 % it is a guess."""
        if self.top_probability >= 0.8:
            return self.Confidence.HIGH
        return self.Confidence.MEDIUM if self.top_probability >= 0.5 else self.Confidence.LOW


class PendingPhotoQuerySet(models.QuerySet["PendingPhoto"]):
    def waiting(self, now: datetime) -> PendingPhotoQuerySet:
        """Photos whose time is not over."""
        return self.filter(expires_at__gt=now)

    def sent_by(self, user: User | AnonymousUser) -> PendingPhotoQuerySet:
        """A person's own photos, answered or held for another try."""
        return self.filter(Q(user_id=user.pk) | Q(prediction__user_id=user.pk)) if user.pk else self.none()

    def expired(self, now: datetime) -> PendingPhotoQuerySet:
        return self.filter(expires_at__lte=now)

    def correct_clock(self, latest: datetime) -> None:
        """Let none wait longer than one that is sent now: the clock may have gone back since it was sent."""
        self.filter(expires_at__gt=latest).update(expires_at=latest)


class PendingPhoto(models.Model):
    """A photo's bytes between prediction and verdict, in a table that is not logged: they reach no backup.

    While no model answers there is no prediction yet: then they are held for the person who sent them.
    """

    prediction = models.OneToOneField(Prediction, on_delete=models.CASCADE, null=True, related_name="pending_photo")
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, related_name="held_photos", help_text="Until there is a prediction."
    )
    content = models.BinaryField(help_text="As uploaded, without its metadata.")
    backbone = models.CharField(max_length=100, blank=True)
    vector = VectorField(null=True)
    expires_at = models.DateTimeField(db_index=True)

    objects = PendingPhotoQuerySet.as_manager()

    class Meta:
        verbose_name = _("pending photo")
        constraints = [
            models.CheckConstraint(
                condition=Q(prediction__isnull=False, user=None) | Q(prediction=None, user__isnull=False),
                name="pending_photo_has_a_prediction_or_a_user",
            )
        ]

    def __str__(self) -> str:
        return f"photo of prediction {self.prediction_id}" if self.prediction_id else f"photo held for {self.user_id}"
