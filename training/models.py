"""Projects, their tags, and what training made of them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class ProjectQuerySet(models.QuerySet["Project"]):
    def answering(self) -> ProjectQuerySet:
        """Projects that can answer a photo: those with a live iteration, and those that Azure answers for."""
        return self.filter(Q(live_iteration__isnull=False) | Q(remote_id__isnull=False)).order_by("name")


class Project(models.Model):
    """Tags, pictures and iterations that belong together."""

    class Domain(models.TextChoices):
        GENERAL = "General", _("General")
        FOOD = "Food", _("Food")

    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    domain = models.CharField(max_length=20, choices=Domain, default=Domain.GENERAL, help_text=_("Picks the backbone."))
    prediction_backend = models.CharField(
        max_length=50, default="local", help_text=_("A name in CLASSIFR_PREDICTION_BACKENDS: local or customvision.")
    )
    remote_id = models.UUIDField(
        null=True, blank=True, unique=True, help_text=_("The project's id at Azure Custom Vision, if it answers.")
    )
    live_iteration = models.ForeignKey(
        "training.Iteration", on_delete=models.RESTRICT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        verbose_name = _("project")
        constraints = [
            models.UniqueConstraint(Lower("name"), name="project_name_is_unique"),
            models.CheckConstraint(condition=~Q(name=""), name="project_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    """A class that pictures of a project can have."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=200)

    class Meta:
        verbose_name = _("tag")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint("project", Lower("name"), name="tag_name_is_unique_in_its_project"),
            models.CheckConstraint(condition=~Q(name=""), name="tag_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Iteration(models.Model):
    """One training's result: a head that turns vectors into probabilities, with its measurements. Never changed."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="iterations")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=100)
    backbone = models.CharField(max_length=100, help_text="Name of the backbone whose vectors the head reads.")
    head_key = models.CharField(max_length=100, help_text="Blob key of the head's file.")
    metrics = models.JSONField(default=dict, help_text="Measured on pictures that it was not trained on.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("iteration")
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="iteration_number_is_unique_in_its_project"),
            models.CheckConstraint(condition=Q(number__gt=0), name="iteration_number_starts_at_one"),
        ]

    def __str__(self) -> str:
        return self.name
