"""Write acts down, and take them back."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import ApiKey, User
from acts.exceptions import Changed, NotUndone
from acts.models import Act, ActObject, ActQuerySet
from acts.verbs import Change, verbs

logger = logging.getLogger(__name__)

_AT_ONCE = 1_000
"""Rows of one statement."""
ERASED = {"erased": True}
"""What is left of a thing that was erased, before and after."""


class Doer(NamedTuple):
    """Who acts."""

    actor: Act.Actor
    user: User | None
    name: str

    @classmethod
    def person(cls, user: User) -> "Doer":
        return cls(Act.Actor.PERSON, user, user.username)

    @classmethod
    def key(cls, key: ApiKey) -> "Doer":
        return cls(Act.Actor.KEY, None, key.name)

    @classmethod
    def command(cls, name: str) -> "Doer":
        return cls(Act.Actor.COMMAND, None, name)

    @classmethod
    def system(cls) -> "Doer":
        return cls(Act.Actor.SYSTEM, None, "")


def record(
    *,
    verb: str,
    by: Doer,
    changes: Iterable[Change],
    undo_until: datetime | None = None,
    is_undoing: bool = False,
) -> Act | None:
    """Write an act down, in the transaction that does it; None where nothing has changed.

    Changes hold states and names of ours; never bytes, vectors, names of files or what a sender wrote.
    """
    real = [change for change in changes if change.before != change.after]
    if not real:
        return None
    act = Act.objects.create(
        **by._asdict(), verb=verb, change_count=len(real), undo_until=undo_until, is_undoing=is_undoing
    )
    rows = [ActObject(act=act, **change._asdict()) for change in real]
    ActObject.objects.bulk_create(rows, batch_size=_AT_ONCE)
    return act


def changes_of(act: Act) -> list[Change]:
    rows = act.objects_changed.order_by("pk").values_list("kind", "object_id", "before", "after")
    return [Change(*row) for row in rows]


def undo(*, act: Act, by: User) -> None:
    """Take back one's own act; the undoing is an act, which can be taken back in its turn: a redo.

    Raises NotUndone, with a sentence that says why.
    """
    with transaction.atomic():
        act = Act.objects.select_for_update().get(pk=act.pk)
        _check_open(act, by=by)
        put_back = verbs.get(act.verb).put_back
        if put_back is None:
            raise NotUndone(_("This cannot be taken back."))
        changes = [change.reversed() for change in changes_of(act) if change.after != ERASED]
        if not changes:
            raise NotUndone(_("What this changed is erased."))
        try:
            with transaction.atomic():
                put_back(changes, by)
        except Changed as exc:
            raise Changed(_who_changed(act, changes) or str(exc)) from exc
        doer, until = Doer.person(by), act.undo_until
        undoing = record(verb=act.verb, by=doer, changes=changes, undo_until=until, is_undoing=not act.is_undoing)
        act.undone_by = undoing
        act.save(update_fields=["undone_by"])
    logger.info("Undone act=%s verb=%s user=%s things=%s", act.pk, act.verb, by.pk, len(changes))


def forget(*, kind: str, object_ids: Sequence[str]) -> None:
    """Leave nothing of these things in the log but that they were there; no act on them can be taken back."""
    ActObject.objects.filter(kind=kind, object_id__in=object_ids).update(before=ERASED, after=ERASED)


def standing_act(*, kind: str, object_id: str, by: User) -> Act | None:
    """Return this person's last act on that thing that stands and can be taken back; an undoing is none."""
    on_it = _standing(by).filter(objects_changed__kind=kind, objects_changed__object_id=object_id)
    return on_it.filter(is_undoing=False).first()


def last_done(user: User) -> Act | None:
    """Return what Ctrl+Z takes back: this person's last act, or redo, that can be."""
    return _standing(user).filter(is_undoing=False).first()


def last_undone(user: User) -> Act | None:
    """Return the undoing that a redo takes back; None once something new was done after it."""
    undoing = _standing(user).filter(is_undoing=True).first()
    if undoing is None or Act.objects.by(user).filter(undoes=None, pk__gt=undoing.pk).exists():
        return None
    return undoing


def _standing(user: User) -> ActQuerySet:
    return Act.objects.by(user).standing(timezone.now()).newest_first()


def _check_open(act: Act, *, by: User) -> None:
    if act.user_id != by.pk:
        raise NotUndone(_("Only %(name)s can take this back.") % {"name": act.name})
    if act.undone_by_id is not None:
        raise NotUndone(_("This is taken back already."))
    if act.undo_until is None or act.undo_until <= timezone.now():
        raise NotUndone(_("It is too late to take this back."))


def _who_changed(act: Act, changes: Sequence[Change]) -> str:
    """Name who changed one of these things later; "" where no act tells."""
    ids = [change.object_id for change in changes]
    later = ActObject.objects.filter(act__gt=act, kind__in={change.kind for change in changes}, object_id__in=ids)
    last = later.select_related("act").order_by("-act").first()
    if last is None:
        return ""
    return _("%(name)s has changed this since: it stays as it is.") % {"name": last.act.name}
