"""Projects and their tags."""

from __future__ import annotations

import uuid

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Count, Q
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _

from accounts.models import Shareable, ShareableQuerySet
from training.names import LONGEST_NAME


class ProjectQuerySet(ShareableQuerySet["Project"]):
    def active(self) -> ProjectQuerySet:
        """Projects that are not archived: those that lists and pickers offer."""
        return self.filter(archived_at=None)

    def answering(self) -> ProjectQuerySet:
        """Projects that people may send a photo to: those with a live iteration, and those that Azure answers for."""
        return self.active().filter(Q(live_iteration__isnull=False) | Q(remote_id__isnull=False)).default_first()

    def default_first(self) -> ProjectQuerySet:
        """In the order in which they are offered."""
        return self.order_by("-is_default", "name")


class Project(Shareable):
    """Tags, images and iterations that belong together."""

    class Domain(models.TextChoices):
        GENERAL = "General", _("General")
        FINE = "General [A1]", _("General, more exact and slower")
        FOOD = "Food", _("Food")

        @classmethod
        def serving(cls, name: str) -> str:
            """Return which of ours does the work of Custom Vision's domain of that name."""
            if name.startswith("General [A"):
                return cls.FINE
            return cls.FOOD if name.startswith(cls.FOOD) else cls.GENERAL

    class Type(models.TextChoices):
        MULTICLASS = "Multiclass", _("one tag an image")
        MULTILABEL = "Multilabel", _("any number of tags an image")

    uid = models.UUIDField(
        unique=True, default=uuid.uuid4, db_default=RandomUUID(), editable=False, help_text="By which programs know it."
    )
    name = models.CharField(_("name"), max_length=LONGEST_NAME)
    description = models.TextField(_("description"), blank=True)
    domain = models.CharField(
        _("domain"), max_length=20, choices=Domain, default=Domain.GENERAL, help_text=_("Picks the backbone.")
    )
    type = models.CharField(_("type"), max_length=10, choices=Type, default=Type.MULTICLASS)
    backend = models.CharField(
        _("engine"), max_length=50, default="local", help_text=_("Who trains and answers: local or customvision.")
    )
    remote_id = models.UUIDField(
        _("id at Azure"), null=True, blank=True, unique=True, help_text=_("The project's id at Azure Custom Vision.")
    )
    live_iteration = models.ForeignKey(
        "training.Iteration",
        on_delete=models.RESTRICT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("live iteration"),
    )
    is_default = models.BooleanField(
        _("default"), default=False, db_default=False, help_text=_("Offered first to whoever may use it.")
    )
    iterations_made = models.PositiveIntegerField(default=0, help_text="Never goes back.")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    archived_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Since when it is out of lists and pickers."
    )
    api_settings = models.JSONField(
        default=dict,
        blank=True,
        help_text="What programs set and read back by the Custom Vision API, and nothing else looks at.",
    )
    modified_at = models.DateTimeField(auto_now=True, db_default=Now())

    objects = ProjectQuerySet.as_manager()

    class Meta:
        verbose_name = _("project")
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="project_name_is_unique",
                violation_error_message=_("There is a project of that name already."),
            ),
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="one_project_is_the_default_at_most"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="project_has_a_name"),
            models.CheckConstraint(condition=Q(type__in=["Multiclass", "Multilabel"]), name="project_type_is_known"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_multilabel(self) -> bool:
        return self.type == self.Type.MULTILABEL

    def is_only(self, tag: Tag) -> bool:
        """Whether an image with that tag may have no other."""
        return tag.is_negative or not self.is_multilabel

    def held(self) -> Project:
        """Return the project as it is now, whose type nobody changes until the transaction ends; taken before images.

        One that was deleted is returned as it was: it has no images left.
        """
        # Others who tag hold it too: Django's select_for_update would let one wait for the other.
        rows = Project.objects.raw("SELECT * FROM training_project WHERE id = %s FOR KEY SHARE", [self.pk])
        return next(iter(rows), self)

    def take_number(self) -> int:
        """Count one more iteration and return its number; inside a transaction, which it serialises."""
        locked = Project.objects.select_for_update().get(pk=self.pk)
        locked.iterations_made += 1
        locked.save(update_fields=["iterations_made"])
        return locked.iterations_made


class TagQuerySet(models.QuerySet["Tag"]):
    def with_image_counts(self) -> TagQuerySet:
        """Add `image_count`, in the order of the names: a counting query has no other order than its own."""
        return self.annotate(image_count=Count("image_tags")).order_by("name")


class Tag(models.Model):
    """A class that images of a project can have."""

    class Type(models.TextChoices):
        REGULAR = "Regular", _("regular")
        NEGATIVE = "Negative", _("negative")

    uid = models.UUIDField(
        unique=True, default=uuid.uuid4, db_default=RandomUUID(), editable=False, help_text="By which programs know it."
    )
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tags", verbose_name=_("project"))
    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    type = models.CharField(
        _("type"),
        max_length=10,
        choices=Type,
        default=Type.REGULAR,
        help_text=_("A negative tag marks images that show none of the others."),
    )
    remote_id = models.UUIDField(null=True, blank=True, unique=True)
    images_elsewhere = models.PositiveIntegerField(
        default=0, editable=False, help_text="That the service which trains has beyond ours, as it said last."
    )
    shipped_label = models.CharField(
        max_length=200,
        blank=True,
        editable=False,
        help_text="Of the examples that come with the backbone, which are this tag's; empty: none are.",
    )

    objects = TagQuerySet.as_manager()

    class Meta:
        verbose_name = _("tag")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                "project",
                Lower("name"),
                name="tag_name_is_unique_in_its_project",
                violation_error_message=_("There is a tag of that name in this project already."),
            ),
            models.UniqueConstraint(
                fields=["project"],
                condition=Q(type="Negative"),
                name="project_has_one_negative_tag_at_most",
                violation_error_message=_("The project has a negative tag already."),
            ),
            models.CheckConstraint(condition=~Q(name=""), name="tag_has_a_name"),
            models.CheckConstraint(condition=Q(type__in=["Regular", "Negative"]), name="tag_type_is_known"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_negative(self) -> bool:
        return self.type == self.Type.NEGATIVE
