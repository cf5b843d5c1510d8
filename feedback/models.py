"""What people said of predictions, and the photos they called wrong."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from math import ceil

from django.conf import settings
from django.db import connection, models
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from catalog.models import Picture, WaitingBlob
from classifier.backends.base import TagProbability
from classifier.models import Prediction
from training.models import Project


class Verdict(models.Model):
    """What one person said of their prediction. Every one is stored: an error rate needs its denominator."""

    class Value(models.TextChoices):
        OK = "OK", "OK"
        NOK = "NOK", "NOK"

    prediction = models.OneToOneField(
        Prediction, on_delete=models.CASCADE, related_name="verdict", verbose_name=_("prediction")
    )
    user = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="verdicts", verbose_name=_("user")
    )
    value = models.CharField(_("value"), max_length=3, choices=Value)
    created_at = models.DateTimeField(_("date"), auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = _("verdict")
        verbose_name_plural = _("verdicts")
        constraints = [models.CheckConstraint(condition=Q(value__in=["OK", "NOK"]), name="verdict_is_ok_or_nok")]

    def __str__(self) -> str:
        return f"{self.value} on {self.prediction_id}"

    @property
    def undo_until(self) -> datetime:
        return self.created_at + timedelta(seconds=settings.CLASSIFR_UNDO_SECONDS)

    @property
    def can_be_withdrawn(self) -> bool:
        return timezone.now() < self.undo_until


_INDEXED = {
    "state": [],
    "project": ["project"],
    "source": ["source"],
    "tag": ["tag"],
    "offered": ["offered_tag"],
    "user": ["username"],
    "iter": ["iteration_name"],
    "day": ["created_at"],
    "share": ["probability"],
}
"""What the review is filtered or ordered by, by the end of its index's name."""
HELD_FOR = timedelta(minutes=2)
"""How long a reviewer who has not said anything since is taken to look at it."""
IN_REVIEW = Q(deleted_at__isnull=True)
_OFFERED = Coalesce(NullIf("suggested_tag", Value("")), "likely_tag")


class MispredictionQuerySet(models.QuerySet["Misprediction"]):
    def visible_to(self, user: User) -> MispredictionQuerySet:
        """For reviewers: those of the projects that they may use."""
        return (
            self.filter(project__in=Project.objects.visible_to(user))
            if user.has_perm("accounts.review")
            else self.none()
        )

    def with_pictures(self) -> MispredictionQuerySet:
        """With the row of each picture, and `picture_waits`: whether its bytes still wait for the storage."""
        waiting = WaitingBlob.objects.filter(picture=OuterRef("picture"))
        return self.select_related("picture", "held_by").annotate(picture_waits=Exists(waiting))

    def in_review(self) -> MispredictionQuerySet:
        return self.filter(IN_REVIEW)

    def in_bin(self) -> MispredictionQuerySet:
        """What reviewers deleted and may still restore."""
        return self.filter(~IN_REVIEW)

    def expired(self, now: datetime, *, days: int) -> MispredictionQuerySet:
        """What has been in the bin for that many days."""
        return self.in_bin().filter(deleted_at__lte=now - timedelta(days=days))

    def newest_first(self) -> MispredictionQuerySet:
        return self.order_by("-pk")

    def with_state(self, state: Misprediction.State) -> MispredictionQuerySet:
        """Of that state, and not in the bin."""
        return self.in_review().filter(state=state)

    def counts(self) -> dict[str, int]:
        """Return how many there are of each state, and in the bin: each from an index alone, where one is enough."""
        states = {state.value: self.with_state(state).count() for state in Misprediction.State}
        return states | {"bin": self.in_bin().count()}

    def names(
        self, column: str, *, projects: Collection[int], state: Misprediction.State, limit: int = 1000
    ) -> list[str]:
        """Return the different values that rows of those projects and that state have in that column, sorted.

        It jumps through the column's index from one value to the next, whatever filters came before: SELECT DISTINCT
        would read every row.
        """
        name = connection.ops.quote_name(column)
        kept = (
            f"SELECT {name} FROM feedback_misprediction "  # noqa: S608  # a name of our own
            "WHERE deleted_at IS NULL AND state = %(state)s AND project_id = ANY(%(projects)s)"
        )
        with connection.cursor() as cursor:
            cursor.execute(
                f"""
                WITH RECURSIVE found(name) AS (
                    ({kept} ORDER BY {name} LIMIT 1)
                    UNION ALL
                    SELECT ({kept} AND {name} > found.name ORDER BY {name} LIMIT 1) FROM found
                    WHERE found.name IS NOT NULL
                )
                SELECT name FROM found WHERE name IS NOT NULL LIMIT %(limit)s
                """,  # noqa: S608  # likewise
                {"projects": list(projects), "state": state, "limit": limit},
            )
            return [name for (name,) in cursor.fetchall()]

    def since(self, day: date) -> MispredictionQuerySet:
        """From the beginning of that day, in the reader's time zone."""
        return self.filter(created_at__gte=timezone.make_aware(datetime.combine(day, time.min)))

    def until(self, day: date) -> MispredictionQuerySet:
        """To the end of that day, in the reader's time zone."""
        return self.filter(created_at__lte=timezone.make_aware(datetime.combine(day, time.max)))


class Misprediction(models.Model):
    """A photo whose answer is in review: its sender called it wrong, or a program asked and nobody has said yet.

    The columns repeat what the prediction says, so that a row can be read by itself, by people and by other programs.
    """

    class Source(models.TextChoices):
        PERSON = "person", _("people")
        PROGRAM = "program", _("programs")

    class State(models.TextChoices):
        OPEN = "open", _("to review")
        CORRECTED = "corrected", _("corrected")
        DISMISSED = "dismissed", _("set aside")

    class Dismissal(models.TextChoices):
        """Why there is nothing to learn from it."""

        RIGHT = "right", _("the model was right")
        UNKNOWN = "unknown", _("no known tag")
        UNUSABLE = "unusable", _("unusable photo")

    class Suggestion(models.TextChoices):
        """What the sender says of it."""

        TAG = "tag", _("another tag")
        NONE = "none", _("none of these tags")
        UNUSABLE = "unusable", _("unusable photo")

    verdict = models.OneToOneField(
        Verdict, on_delete=models.PROTECT, null=True, related_name="misprediction", help_text="Null: a program asked."
    )
    source = models.CharField(max_length=7, choices=Source, default=Source.PERSON, db_default=Source.PERSON.value)
    picture = models.ForeignKey(Picture, on_delete=models.PROTECT, related_name="mispredictions")
    image_url = models.CharField(max_length=500, help_text=_("Where the blob is; it opens nothing by itself."))
    tag = models.CharField(max_length=200, help_text=_("The most probable tag."))
    probability = models.DecimalField(max_digits=7, decimal_places=4, help_text=_("Of that tag, in percent."))
    username = models.CharField(max_length=150, help_text=_("Who sent the photo; the application, if a program did."))
    probabilities = models.JSONField(help_text=_("Pairs of tag and probability, the most probable first."))
    iteration_name = models.CharField(max_length=200)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="mispredictions")
    project_name = models.CharField(max_length=100)
    suggestion = models.CharField(max_length=8, choices=Suggestion, blank=True)
    suggested_tag = models.CharField(max_length=200, blank=True, help_text=_("What the sender says it is."))
    comment = models.TextField(blank=True)
    likely_tag = models.CharField(
        max_length=200, blank=True, db_default="", help_text=_("What most of the images that look like it are.")
    )
    likely_share = models.FloatField(null=True, help_text=_("0 to 1: of the nearest images, how many are that."))
    offered_tag = models.GeneratedField(
        expression=_OFFERED,
        output_field=models.CharField(max_length=200),
        db_persist=True,
        help_text=_("The tag to accept: the sender's, else the likely one."),
    )
    state = models.CharField(max_length=9, choices=State, default=State.OPEN, db_default=State.OPEN.value)
    dismissal = models.CharField(max_length=8, choices=Dismissal, blank=True, db_default="")
    right_tags = models.JSONField(
        default=list, db_default=Value([], models.JSONField()), help_text=_("Key and name of each that a reviewer put.")
    )
    had_tags = models.JSONField(
        null=True, help_text=_("Keys of the tags that its image had before; empty: the correction made the image.")
    )
    reviewed_at = models.DateTimeField(null=True)
    reviewed_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    reviewer = models.CharField(max_length=150, blank=True, db_default="", help_text=_("Their name, as it was."))
    held_at = models.DateTimeField(null=True, help_text=_("When somebody began to look at it."))
    held_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True, help_text=_("Empty: it is not in the bin."))
    deleted_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    objects = MispredictionQuerySet.as_manager()

    class Meta:
        verbose_name = _("wrong prediction")
        verbose_name_plural = _("wrong predictions")
        constraints = [
            models.CheckConstraint(
                condition=Q(probability__gte=0, probability__lte=100), name="misprediction_probability_is_percent"
            ),
            models.CheckConstraint(
                condition=Q(suggestion="tag") ^ Q(suggested_tag=""), name="misprediction_has_the_tag_it_suggests"
            ),
            models.CheckConstraint(
                condition=Q(source="person") ^ Q(verdict=None), name="misprediction_has_a_verdict_if_a_person_s"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "corrected", "dismissed"]), name="misprediction_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state="corrected") ^ Q(right_tags=[]), name="misprediction_that_is_corrected_has_its_tags"
            ),
            models.CheckConstraint(
                condition=Q(state="dismissed") ^ Q(dismissal=""), name="misprediction_that_is_dismissed_says_why"
            ),
            models.CheckConstraint(
                condition=Q(state="open") ^ Q(reviewed_at__isnull=False), name="misprediction_that_is_done_says_when"
            ),
            models.CheckConstraint(
                condition=Q(likely_tag="") ^ Q(likely_share__gte=0, likely_share__lte=1),
                name="misprediction_has_the_share_of_the_likely_tag",
            ),
        ]
        indexes = [
            *(
                models.Index(fields=["state", *fields, "-id"], condition=IN_REVIEW, name=f"misprediction_by_{name}")
                for name, fields in _INDEXED.items()
            ),
            models.Index(
                fields=["-deleted_at", "-id"], include=("project",), condition=~IN_REVIEW, name="misprediction_in_bin"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tag} {self.probability} % ({self.username})"

    @property
    def prediction(self) -> Prediction:
        """What its sender was told. Raises ValueError where a program asked."""
        if self.verdict is None:
            raise ValueError(f"Misprediction {self.pk} is no person's.")
        return self.verdict.prediction

    @property
    def suggested(self) -> str:
        """What the sender says it is, in the reader's language."""
        return self.suggested_tag or self.get_suggestion_display()

    @property
    def is_held(self) -> bool:
        """Whether somebody is looking at it, or was a moment ago."""
        return self.held_at is not None and self.held_at > timezone.now() - HELD_FOR

    @property
    def right_names(self) -> list[str]:
        """What a reviewer says it is."""
        return [name for _key, name in self.right_tags]

    @property
    def rows(self) -> list[TagProbability]:
        """All tags, the most probable first."""
        return [TagProbability(tag, probability) for tag, probability in self.probabilities]

    @property
    def days_left(self) -> int:
        """How many days, begun ones included, until the bin is emptied of it; 0 when it is due."""
        if self.deleted_at is None:
            raise ValueError(f"Misprediction {self.pk} is not in the bin.")
        left = self.deleted_at + timedelta(days=settings.CLASSIFR_BIN_DAYS) - timezone.now()
        return max(0, ceil(left / timedelta(days=1)))
