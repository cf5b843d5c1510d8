"""What reviewers make of wrong predictions: corrected, set aside, moved to the bin; each can be taken back."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple, TypeVar

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.models import User
from acts.exceptions import Changed
from acts.models import Act
from acts.services import Doer, record
from acts.verbs import Change, Verb
from feedback.models import Misprediction, MispredictionQuerySet
from feedback.services.locks import locked
from jobs.progress import Progress
from training.exceptions import TrainingError
from training.models import Image, Project, Tag
from training.names import same_name
from training.services.corrections import forget_images, learn_pictures, set_tags

logger = logging.getLogger(__name__)

KIND = "misprediction"
_COLUMNS = (
    "state", "dismissal", "right_tags", "had_tags", "reviewed_at", "reviewed_by", "reviewer", "deleted_at", "deleted_by"
)  # fmt: skip
_AT_ONCE = 500
"""Rows that one statement changes."""
_S = Misprediction.State
T = TypeVar("T")


@dataclass(frozen=True)
class Ruling:
    """What was made of a wrong prediction, as the log of acts holds it."""

    state: str = _S.OPEN
    dismissal: str = ""
    tags: tuple[tuple[int, str], ...] = ()
    """Key and name of each that it was corrected to."""
    is_binned: bool = False

    @classmethod
    def of(cls, row: Misprediction) -> "Ruling":
        tags = tuple((key, name) for key, name in row.right_tags)
        return cls(row.state, row.dismissal, tags, row.deleted_at is not None)

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> "Ruling":
        return cls(**{**stored, "tags": tuple((key, name) for key, name in stored["tags"])})


class Outcome(NamedTuple):
    """What came of a gesture."""

    act: Act | None
    """None where nothing has changed."""
    changed: list[int]
    """Keys of those that are now as they were to be."""
    overtaken: list[Misprediction]
    """Those that somebody else had changed by then: they stay as that person left them."""


UNSEEN = Progress()
"""Of a gesture that somebody waits for."""


def correct(
    rows: MispredictionQuerySet,
    *,
    tags: Sequence[Tag],
    by: Doer,
    seen: str = _S.OPEN,
    progress: Progress = UNSEEN,
) -> Outcome:
    """Say what these show: their pictures become images with exactly those of the tags that are their project's.

    seen: the state in which the reviewer saw them. Raises TrainingError, StorageUnavailable, and Changed where somebody
    has changed the tags of an image that was corrected before; then nothing has changed.
    """
    of_project: dict[int, tuple[tuple[int, str], ...]] = defaultdict(tuple)
    for tag in tags:
        of_project[tag.project_id] += ((tag.pk, tag.name),)
    return _rule(
        rows.filter(project__in=of_project),
        verb="correct",
        to=lambda row: Ruling(_S.CORRECTED, tags=of_project[row.project_id]),
        by=by,
        seen=seen,
        progress=progress,
    )


def accept(rows: MispredictionQuerySet, *, by: Doer, seen: str = _S.OPEN, progress: Progress = UNSEEN) -> Outcome:
    """Take each at the word of its sender, else for what most images that look like it are.

    Those of which nobody has said anything, or whose tag is no more, are left as they are.
    """
    projects = rows.order_by().values("project")
    tags = {(tag.project_id, same_name(tag.name)): tag for tag in Tag.objects.filter(project__in=projects)}

    def offered(row: Misprediction) -> Ruling:
        if row.suggestion == Misprediction.Suggestion.NONE:
            return Ruling(_S.DISMISSED, Misprediction.Dismissal.UNKNOWN)
        if row.suggestion == Misprediction.Suggestion.UNUSABLE:
            return Ruling(_S.DISMISSED, Misprediction.Dismissal.UNUSABLE)
        tag = tags.get((row.project_id, same_name(row.offered_tag)))
        return Ruling(_S.CORRECTED, tags=((tag.pk, tag.name),)) if tag else Ruling.of(row)

    return _rule(rows, verb="correct", to=offered, by=by, seen=seen, progress=progress)


def adopt(images: Mapping[int, Image], *, by: Doer) -> Act | None:
    """Say of wrong predictions, by their keys, that these images were made of their pictures elsewhere."""
    with transaction.atomic():
        found = locked(Misprediction.objects.filter(pk__in=images, state=_S.OPEN))
        tags = {row: tuple((tag.pk, tag.name) for tag in images[row.pk].tags.all()) for row in found}
        due = {row: Ruling(_S.CORRECTED, tags=those) for row, those in tags.items()}
        changes = _note(due, by=by.user, name=by.name)
        return record(verb="correct", by=by, changes=changes, undo_until=timezone.now() + _undoable())


def dismiss(
    rows: MispredictionQuerySet, *, dismissal: str, by: Doer, seen: str = _S.OPEN, progress: Progress = UNSEEN
) -> Outcome:
    """Set these aside: there is nothing to learn from them, and that is why."""
    ruling = Ruling(_S.DISMISSED, dismissal)
    return _rule(rows, verb="dismiss", to=lambda _row: ruling, by=by, seen=seen, progress=progress)


def reopen(rows: MispredictionQuerySet, *, by: Doer, seen: str, progress: Progress = UNSEEN) -> Outcome:
    """Have these reviewed again; what a correction taught is taken back."""
    return _rule(rows, verb="reopen", to=lambda _row: Ruling(), by=by, seen=seen, progress=progress)


def move_to_bin(rows: MispredictionQuerySet, *, by: Doer, progress: Progress = UNSEEN) -> Outcome:
    """Hide these from the review until they are restored or erased; what they taught stays taught."""
    rows = rows.in_review()
    return _rule(rows, verb="delete", to=lambda row: _binned(row, is_binned=True), by=by, progress=progress)


def restore(rows: MispredictionQuerySet, *, by: Doer, progress: Progress = UNSEEN) -> Outcome:
    """Take these out of the bin, as they were."""
    rows = rows.in_bin()
    return _rule(rows, verb="restore", to=lambda row: _binned(row, is_binned=False), by=by, progress=progress)


def _binned(row: Misprediction, *, is_binned: bool) -> Ruling:
    return Ruling(**{**asdict(Ruling.of(row)), "is_binned": is_binned})


def _rule(
    rows: MispredictionQuerySet,
    *,
    verb: str,
    to: Callable[[Misprediction], Ruling],
    by: Doer,
    seen: str | None = None,
    progress: Progress = UNSEEN,
) -> Outcome:
    with transaction.atomic():
        found = list(locked(rows))
        overtaken = [row for row in found if seen is not None and (row.state != seen or row.deleted_at)]
        due = {row: to(row) for row in set(found).difference(overtaken)}
        due = {row: ruling for row, ruling in sorted(due.items(), key=_by_key) if ruling != Ruling.of(row)}
        changes: list[Change] = []
        progress.begin(_("Reviewing"), total=len(due))
        for some in _parts(list(due.items())):
            changes += _apply(dict(some), by=by.user, name=by.name)
            progress.advance(len(some))
        act = record(verb=verb, by=by, changes=changes, undo_until=timezone.now() + _undoable())
    changed = [row.pk for row in due]
    logger.info("Review verb=%s mispredictions=%s overtaken=%s", verb, len(changed), len(overtaken))
    return Outcome(act, changed, overtaken)


def _by_key(ruled: tuple[Misprediction, Ruling]) -> int:
    return ruled[0].pk


def _parts(items: list[T]) -> Iterator[list[T]]:
    for start in range(0, len(items), _AT_ONCE):
        yield items[start : start + _AT_ONCE]


def _undoable() -> timedelta:
    return timedelta(days=settings.CLASSIFR_BIN_DAYS)


def _apply(due: Mapping[Misprediction, Ruling], *, by: User | None, name: str) -> list[Change]:
    """Bring the rows, which are locked, to these rulings, and the images of their pictures along."""
    _unlearn([row for row, ruling in due.items() if row.state == _S.CORRECTED and ruling.tags != Ruling.of(row).tags])
    _learn({row: ruling for row, ruling in due.items() if ruling.tags and ruling.tags != Ruling.of(row).tags}, by=by)
    return _note(due, by=by, name=name)


def _note(due: Mapping[Misprediction, Ruling], *, by: User | None, name: str) -> list[Change]:
    """Write the rulings down."""
    changes = [Change(KIND, str(row.pk), asdict(Ruling.of(row)), asdict(ruling)) for row, ruling in due.items()]
    now = timezone.now()
    for row, ruling in due.items():
        before = Ruling.of(row)
        if ruling.is_binned != before.is_binned:
            row.deleted_at, row.deleted_by = (now, by) if ruling.is_binned else (None, None)
        if (ruling.state, ruling.dismissal, ruling.tags) != (before.state, before.dismissal, before.tags):
            is_open = ruling.state == _S.OPEN
            row.reviewed_at, row.reviewed_by = (None, None) if is_open else (now, by)
            row.reviewer = "" if is_open else name
        row.state, row.dismissal, row.right_tags = ruling.state, ruling.dismissal, [list(tag) for tag in ruling.tags]
    Misprediction.objects.bulk_update(due, _COLUMNS)
    return changes


def _learn(due: Mapping[Misprediction, Ruling], *, by: User | None) -> None:
    """Make the pictures images with the tags of their rulings; each row notes what its image had."""
    ordered = sorted(due, key=lambda row: (row.project_id, due[row].tags, row.pk))
    for (project_id, wanted), group in groupby(ordered, key=lambda row: (row.project_id, due[row].tags)):
        rows = list(group)
        project = Project.objects.get(pk=project_id)
        tags = list(project.tags.filter(pk__in=[key for key, _name in wanted]))
        if len(tags) < len(wanted):
            raise Changed(_("The tag was deleted since."))
        learned = learn_pictures(project, [row.picture for row in rows], tags=tags, by=by)
        for row in rows:
            had = learned[row.picture_id].had
            row.had_tags = None if had is None else list(had)


def _unlearn(rows: Sequence[Misprediction]) -> None:
    """Take back what corrections taught: images that they made go, the others get the tags that they had.

    An image that another correction stands for stays. Raises Changed where somebody has changed its tags since.
    """
    for project_id, group in groupby(sorted(rows, key=_by_project), key=_by_project):
        taught = {row.picture_id: row for row in group}
        standing = Misprediction.objects.filter(project=project_id, picture__in=taught, state=_S.CORRECTED)
        for picture in standing.exclude(pk__in=[row.pk for row in rows]).values_list("picture", flat=True):
            taught.pop(picture, None)
        project = Project.objects.get(pk=project_id)
        images = project.images.filter(picture__in=taught).prefetch_related("tags").select_related("project")
        had: dict[tuple[int, ...] | None, list[Image]] = defaultdict(list)
        for image in images:
            row = taught[image.picture_id]
            if {tag.pk for tag in image.tags.all()} != {key for key, _name in row.right_tags}:
                raise Changed(_("The tags of its image were changed since."))
            had[None if row.had_tags is None else tuple(row.had_tags)].append(image)
        for keys, some in had.items():
            if keys is None:
                forget_images(project, some)
            else:
                set_tags(project, some, tags=list(project.tags.filter(pk__in=keys)))
    for row in rows:
        row.had_tags = None


def _by_project(row: Misprediction) -> int:
    return row.project_id


def _put_back(changes: Sequence[Change], by: User) -> None:
    """Bring rows to rulings that they had, or were to have; raises Changed where they are others by now."""
    rulings = {int(change.object_id): change for change in changes}
    rows = list(locked(Misprediction.objects.filter(pk__in=rulings)))
    if len(rows) < len(rulings):
        raise Changed(_("One of the photos is erased."))
    if any(Ruling.of(row) != Ruling.read(rulings[row.pk].before) for row in rows):
        raise Changed(_("Somebody has changed this since: it stays as it is."))
    due = [(row, Ruling.read(rulings[row.pk].after)) for row in rows]
    try:
        for some in _parts(due):
            _apply(dict(some), by=by, name=by.username)
    except TrainingError as exc:
        raise Changed(str(exc)) from exc


def _said(state: Mapping[str, Any]) -> str:
    """Tell a ruling, as the log shows it."""
    ruling = Ruling.read(state)
    said = [str(_S(ruling.state).label)]
    if ruling.tags:
        said = [", ".join(name for _key, name in ruling.tags)]
    elif ruling.dismissal:
        said = [str(Misprediction.Dismissal(ruling.dismissal).label)]
    return ", ".join([*said, *([_("in the bin")] if ruling.is_binned else [])])


_verb = partial(Verb, put_back=_put_back, noun=gettext_lazy("wrong prediction"), say=_said)
CORRECT = _verb(pgettext_lazy("act", "corrected"))
DISMISS = _verb(pgettext_lazy("act", "set aside"))
REOPEN = _verb(pgettext_lazy("act", "reopened"))
DELETE = _verb(pgettext_lazy("act", "moved to the bin"))
RESTORE = _verb(pgettext_lazy("act", "restored"))
