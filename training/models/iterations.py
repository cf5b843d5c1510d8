"""What trainings made of a project."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from jobs.models import Job
from training.models.projects import Project
from training.names import LONGEST_NAME


class IterationQuerySet(models.QuerySet["Iteration"]):
    def update(self, **values: Any) -> int:
        """Change rows, and note when: Django does so only where a row is saved."""
        return super().update(**{"modified_at": timezone.now(), **values})

    update.alters_data = True  # type: ignore[attr-defined]  # no template calls it

    def completed(self) -> IterationQuerySet:
        return self.filter(status=Iteration.Status.COMPLETED)

    def trained_here(self) -> IterationQuerySet:
        """Completed ones that have a head of ours: not those that are only noted, with their figures."""
        return self.completed().exclude(head_key="")

    def in_training(self) -> IterationQuerySet:
        return self.filter(status__in=[Iteration.Status.NEW, Iteration.Status.TRAINING])

    def complete(self, iteration: Iteration, **values: Any) -> bool:
        """Record the result of a training; say whether the iteration still waited for it."""
        waiting = self.in_training().filter(pk=iteration.pk)
        done = waiting.update(status=Iteration.Status.COMPLETED, **{"trained_at": timezone.now(), **values})
        return done == 1

    def live(self) -> IterationQuerySet:
        """Those that answer on the pages: of a project one, or none."""
        return self.filter(pk=F("project__live_iteration"))

    def published(self) -> IterationQuerySet:
        return self.exclude(publish_name="")


class Iteration(models.Model):
    """One training, and its result: what it was trained and held out on, its measurements, its head."""

    class Status(models.TextChoices):
        NEW = "New", _("waiting")
        TRAINING = "Training", _("in training")
        COMPLETED = "Completed", _("completed")
        FAILED = "Failed", _("failed")

    class TrainingType(models.TextChoices):
        REGULAR = "Regular", _("regular")
        ADVANCED = "Advanced", _("advanced")

    uid = models.UUIDField(
        unique=True, default=uuid.uuid4, db_default=RandomUUID(), editable=False, help_text="By which programs know it."
    )
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="iterations", verbose_name=_("project"))
    number = models.PositiveIntegerField()
    name = models.CharField(_("name"), max_length=LONGEST_NAME)
    status = models.CharField(_("state"), max_length=10, choices=Status, default=Status.NEW)
    training_type = models.CharField(max_length=10, choices=TrainingType, default=TrainingType.REGULAR)
    settings = models.JSONField(default=dict, help_text="What it was asked for: tags, whether it was forced.")
    seed = models.PositiveIntegerField(default=0)
    data_hash = models.CharField(max_length=64, blank=True, help_text="Of everything that the result depends on.")
    backbone = models.CharField(
        _("backbone"),
        max_length=100,
        blank=True,
        help_text=_("Name of the backbone whose vectors the head reads."),
    )
    head_key = models.CharField(max_length=100, blank=True, help_text="Blob key of the head's file.")
    labels = models.JSONField(
        default=list, blank=True, help_text="Of the head's columns, in their order: the tag's uid, name and type."
    )
    proof = models.CharField(
        max_length=300, blank=True, help_text="With what it was proven that its exported model answers as it does here."
    )
    snapshot_key = models.CharField(
        max_length=100, blank=True, help_text="Blob key of what it was trained and held out on, and said of the latter."
    )
    erased_pictures = models.PositiveIntegerField(
        default=0, db_default=0, help_text="That it was trained on, and their senders have erased since."
    )
    metrics = models.JSONField(default=dict, help_text="Measured on pictures that it was not trained on.")
    publish_name = models.CharField(
        _("publish name"),
        max_length=LONGEST_NAME,
        blank=True,
        help_text=_("Under which it answers; empty: it does not."),
    )
    remote_id = models.UUIDField(null=True, blank=True, unique=True)
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="+")
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    api_settings = models.JSONField(
        default=dict,
        blank=True,
        help_text="What programs set and read back by the Custom Vision API, and nothing else looks at.",
    )
    modified_at = models.DateTimeField(auto_now=True, db_default=Now())
    trained_at = models.DateTimeField(_("trained"), null=True)
    training_seconds = models.FloatField(_("duration of the training (s)"), null=True)
    error = models.TextField(_("error"), blank=True, help_text=_("Why it failed: a sentence for people."))

    objects = IterationQuerySet.as_manager()

    class Meta:
        verbose_name = _("iteration")
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="iteration_number_is_unique_in_its_project"),
            models.UniqueConstraint(
                fields=["project", "publish_name"],
                condition=~Q(publish_name=""),
                name="iterations_never_share_a_publish_name",
            ),
            models.UniqueConstraint(
                fields=["project"],
                condition=Q(status__in=["New", "Training"]),
                name="iteration_in_training_is_the_only_one_of_its_project",
            ),
            models.CheckConstraint(condition=Q(number__gt=0), name="iteration_number_starts_at_one"),
            models.CheckConstraint(
                condition=Q(publish_name="") | Q(status="Completed"), name="iteration_that_is_published_is_completed"
            ),
            models.CheckConstraint(
                condition=~Q(status="Completed") | ~Q(head_key="") | Q(remote_id__isnull=False),
                name="iteration_that_is_completed_has_a_head",
            ),
            models.CheckConstraint(
                condition=Q(status="Failed", error__gt="") | (~Q(status="Failed") & Q(error="")),
                name="iteration_that_failed_says_why",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_published(self) -> bool:
        return bool(self.publish_name)
