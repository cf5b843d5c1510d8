"""Projects, their tags and images, what training made of them, and what was published."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q
from django.db.models.functions import Lower, Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from catalog.models import Picture
from engine.splitting import Part
from jobs.models import Job


class ProjectQuerySet(models.QuerySet["Project"]):
    def answering(self) -> ProjectQuerySet:
        """Projects that can answer a photo: those with a live iteration, and those that Azure answers for."""
        return self.filter(Q(live_iteration__isnull=False) | Q(remote_id__isnull=False)).order_by("name")


class Project(models.Model):
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
    name = models.CharField(_("name"), max_length=100)
    description = models.TextField(_("description"), blank=True)
    domain = models.CharField(
        _("domain"), max_length=20, choices=Domain, default=Domain.GENERAL, help_text=_("Picks the backbone.")
    )
    type = models.CharField(_("type"), max_length=10, choices=Type, default=Type.MULTICLASS)
    backend = models.CharField(
        _("engine"), max_length=50, default="local", help_text=_("Who trains and answers: local or customvision.")
    )
    remote_id = models.UUIDField(
        null=True, blank=True, unique=True, help_text=_("The project's id at Azure Custom Vision.")
    )
    live_iteration = models.ForeignKey(
        "training.Iteration", on_delete=models.RESTRICT, null=True, blank=True, related_name="+"
    )
    iterations_made = models.PositiveIntegerField(default=0, help_text="Never goes back.")
    created_at = models.DateTimeField(auto_now_add=True)
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
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tags")
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
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="iterations")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=100)
    status = models.CharField(max_length=10, choices=Status, default=Status.NEW)
    training_type = models.CharField(max_length=10, choices=TrainingType, default=TrainingType.REGULAR)
    settings = models.JSONField(default=dict, help_text="What it was asked for: tags, whether it was forced.")
    seed = models.PositiveIntegerField(default=0)
    data_hash = models.CharField(max_length=64, blank=True, help_text="Of everything that the result depends on.")
    backbone = models.CharField(
        max_length=100, blank=True, help_text="Name of the backbone whose vectors the head reads."
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
    metrics = models.JSONField(default=dict, help_text="Measured on pictures that it was not trained on.")
    publish_name = models.CharField(max_length=100, blank=True, help_text="Under which it answers; empty: it does not.")
    remote_id = models.UUIDField(null=True, blank=True, unique=True)
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="+")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    api_settings = models.JSONField(
        default=dict,
        blank=True,
        help_text="What programs set and read back by the Custom Vision API, and nothing else looks at.",
    )
    modified_at = models.DateTimeField(auto_now=True, db_default=Now())
    trained_at = models.DateTimeField(null=True)
    training_seconds = models.FloatField(null=True)
    error = models.TextField(blank=True, help_text="Why it failed: a sentence for people.")

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


class Publication(models.Model):
    """A line of the log of what answered when. Written once, never changed."""

    class Act(models.TextChoices):
        PUBLISH = "publish", _("published")
        UNPUBLISH = "unpublish", _("unpublished")
        ROLLBACK = "rollback", _("brought back")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="publications")
    act = models.CharField(max_length=10, choices=Act)
    iteration = models.ForeignKey(Iteration, on_delete=models.SET_NULL, null=True, related_name="publications")
    iteration_name = models.CharField(max_length=100, help_text="Stays when the iteration is deleted.")
    publish_name = models.CharField(max_length=100)
    replaced = models.ForeignKey(
        Iteration, on_delete=models.SET_NULL, null=True, related_name="+", help_text="What was live before."
    )
    replaced_name = models.CharField(max_length=100, blank=True)
    reason = models.TextField(blank=True, help_text="Why: what the person said, and what was compared.")
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    username = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("publication")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(publish_name=""), name="publication_has_a_publish_name"),
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.iteration_name}"
