"""The one append-only log of acts: who did what to which things, and how they were before."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from acts.verbs import Verb, verbs
from web.registry import NotRegistered


class ActQuerySet(models.QuerySet["Act"]):
    def by(self, user: User) -> ActQuerySet:
        return self.filter(user=user)

    def standing(self, now: datetime) -> ActQuerySet:
        """Acts that are not taken back, and still could be."""
        return self.filter(undone_by=None, undo_until__gt=now)

    def newest_first(self) -> ActQuerySet:
        return self.order_by("-pk")


class Act(models.Model):
    """One gesture, however many things it changed. Written once; that it was undone is all that is added later."""

    class Actor(models.TextChoices):
        PERSON = "person", _("person")
        KEY = "key", _("API key")
        COMMAND = "command", _("command")
        SYSTEM = "system", _("Classifr itself")

    verb = models.CharField(max_length=50, help_text="A name in CLASSIFR_VERBS.")
    actor = models.CharField(max_length=8, choices=Actor)
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="acts")
    name = models.CharField(max_length=150, blank=True, help_text="Of the person, the key or the command, as it was.")
    happened_at = models.DateTimeField(default=timezone.now, db_index=True)
    change_count = models.PositiveIntegerField(help_text="How many things it changed.")
    undo_until = models.DateTimeField(null=True, help_text="Empty: it cannot be taken back.")
    is_undoing = models.BooleanField(default=False, help_text="It took another back; a redo did not.")
    undone_by = models.OneToOneField(
        "self", on_delete=models.SET_NULL, null=True, related_name="undoes", help_text="The act that took it back."
    )

    objects = ActQuerySet.as_manager()

    class Meta:
        verbose_name = _("act")
        constraints = [
            models.CheckConstraint(condition=~Q(verb=""), name="act_has_a_verb"),
            models.CheckConstraint(condition=Q(actor="person") | Q(user=None), name="act_has_a_user_if_a_person_s"),
            models.CheckConstraint(condition=~Q(undone_by=F("pk")), name="act_is_not_undone_by_itself"),
        ]
        indexes = [
            models.Index(fields=["user", "-id"], name="act_of_user"),
            models.Index(fields=["verb", "-id"], name="act_of_verb"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} by {self.name or self.actor}"

    @property
    def known_verb(self) -> Verb:
        """What was done; where the room that knew it is gone, its name is all that is told."""
        try:
            return verbs.get(self.verb)
        except NotRegistered:
            return Verb(self.verb)

    @property
    def is_open(self) -> bool:
        """Whether it can be taken back, as far as its time goes."""
        return self.undone_by_id is None and self.undo_until is not None and self.undo_until > timezone.now()


class ActObjectQuerySet(models.QuerySet["ActObject"]):
    def first_of(self, acts: Collection[Act], *, count: int) -> dict[int, list[ActObject]]:
        """Return so many of each act's, by its key, without reading the others: there may be thousands."""
        rows = self.raw(
            """
            SELECT object.* FROM unnest(%s::bigint[]) AS act(id) CROSS JOIN LATERAL (
                SELECT * FROM acts_actobject WHERE act_id = act.id ORDER BY id LIMIT %s
            ) AS object
            """,
            [[act.pk for act in acts], count],
        )
        first: dict[int, list[ActObject]] = {act.pk: [] for act in acts}
        for row in rows:
            first[row.act_id].append(row)
        return first


class ActObject(models.Model):
    """What an act changed of one thing. It names things by text, for what they are is known upstairs."""

    act = models.ForeignKey(Act, on_delete=models.CASCADE, related_name="objects_changed")
    kind = models.CharField(max_length=50, help_text="Such as misprediction, image or tag.")
    object_id = models.CharField(max_length=64)
    before = models.JSONField(null=True, help_text="Null: it was not there.")
    after = models.JSONField(null=True, help_text="Null: it is not there any more.")

    objects = ActObjectQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["act", "kind", "object_id"], name="act_changes_a_thing_once"),
            models.CheckConstraint(condition=~Q(kind="") & ~Q(object_id=""), name="act_object_is_named"),
        ]
        indexes = [models.Index(fields=["kind", "object_id", "-act"], name="act_object_history")]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}"
