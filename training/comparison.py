"""Is a new iteration better than the live one, or at least no worse? On the same pictures, knowing of chance."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from uuid import UUID

import numpy as np
from django.utils.translation import gettext as _

from engine import backbones
from engine.heads import Floats
from engine.metrics import Flags
from engine.statistics import holm, mcnemar
from jobs.progress import Progress
from training import unseen
from training.exceptions import Refused
from training.heads import read_head
from training.labels import columns_of
from training.models import Image, ImageQuerySet, Iteration
from training.outcome import SIGNIFICANCE, Comparison, TagFall
from training.snapshots import Snapshot, snapshot_of
from training.vectors import embed_images

ENOUGH_HELD_OUT = 300
"""Pictures; with fewer, three points more are hardly ever told from chance."""
ENOUGH_OF_A_TAG = 20
"""Pictures of a tag from which a fall is taken seriously."""
_THRESHOLD = 0.5


@dataclass(frozen=True, eq=False)
class _Said:
    """What both say of some pictures of the new one's snapshot."""

    rows: Flags
    """(pictures of the snapshot,), which of them: n."""
    new: Floats
    """(n, tags of the new one)."""
    old: Floats
    """(n, tags of the old one)."""


def compare(new: Iteration, old: Iteration) -> Comparison:
    """Compare two iterations of one project on pictures that neither has learned from.

    These are what the new one held out and the old one did not learn from. Where they are fewer than ENOUGH_HELD_OUT,
    it is all pictures of the new one that both can judge, each by heads fitted anew without its fold: ten fits, of
    seconds each with a hundred tags. Raises Refused where neither can be known, StorageUnavailable and ModelFileError.
    """
    snapshot = snapshot_of(new)
    if snapshot is None:
        raise Refused(_("%(name)s was not trained here: its pictures are not known.") % {"name": new.name})
    pictures = _fair_pictures(new, old, snapshot)
    known = _is_of_known_tags(snapshot.truths, _shared(old, new, snapshot), multilabel=snapshot.multilabel)
    held_out = _mask(snapshot, pictures) & snapshot.measured & ~unseen.has_learned(old, snapshot.sha256s)
    count = int((known & held_out).sum())
    if count < ENOUGH_HELD_OUT and new.head_key and old.head_key:
        with suppress(Refused):  # then those few have to do
            said = _said_by_folds(new, old, snapshot, pictures)
            if (known & said.rows).sum() > count:
                return _compared(new, old, snapshot, said, by_folds=True)
    if not held_out.any():
        raise Refused(_("There is no picture that neither of the two was trained on."))
    return _compared(new, old, snapshot, _said_when_held_out(new, old, snapshot, held_out, pictures), by_folds=False)


def make_comparable(snapshot: Snapshot, old: Iteration, *, progress: Progress) -> None:
    """Let an old iteration be asked about what a new one, which reads other vectors, will be compared on.

    Raises what `embed_images` does.
    """
    card = backbones.cards().get(old.backbone)
    if card:  # else the old one answers nothing any more
        rows = snapshot.measured & ~unseen.has_learned(old, snapshot.sha256s)
        if rows.sum() < ENOUGH_HELD_OUT:
            rows = np.ones_like(rows)
        images = _images(old.project_id, np.array(snapshot.sha256s)[rows].tolist())
        embed_images(images, project=old.project, card=card, progress=progress)


def _fair_pictures(new: Iteration, old: Iteration, snapshot: Snapshot) -> dict[str, int]:
    """Return the keys of the pictures that may be compared on, by sha256: not corrections, nor, where the two stand on
    different backbones, what one of these was fine-tuned on. What comes with the backbone of both has 0."""
    shipped = unseen.comes_along(new, snapshot.sha256s) & unseen.comes_along(old, snapshot.sha256s)
    fair = dict.fromkeys(np.array(snapshot.sha256s)[shipped].tolist(), 0)
    cards = [card for card in map(backbones.cards().get, {new.backbone, old.backbone}) if card]
    images = _images(new.project_id, snapshot.sha256s).select_related("picture")
    for image in images.only("original_sha256", "source", "picture__sha256"):
        was_seen = len(cards) > 1 and any(backbones.was_seen(card, image.original_sha256) for card in cards)
        if was_seen or image.source == Image.Source.CORRECTION:
            fair.pop(image.picture.sha256, None)
        else:
            fair[image.picture.sha256] = image.picture_id
    return fair


def _mask(snapshot: Snapshot, among: Iterable[str]) -> Flags:
    """Return (n,), which of the snapshot's pictures are among these."""
    among = set(among)
    return np.array([sha256 in among for sha256 in snapshot.sha256s], dtype=np.bool_)


def _said_by_folds(new: Iteration, old: Iteration, snapshot: Snapshot, pictures: Iterable[str]) -> _Said:
    dealt = unseen.deal(new, old)
    rows = _mask(snapshot, dealt.keys() & set(pictures))
    sha256s = np.array(snapshot.sha256s)[rows].tolist()
    (said, _known), (before, both) = (unseen.say_by_folds(each, sha256s, dealt) for each in (new, old))
    rows[rows] = both
    return _Said(rows, said[both], before[both])


def _said_when_held_out(
    new: Iteration, old: Iteration, snapshot: Snapshot, held_out: Flags, pictures: dict[str, int]
) -> _Said:
    sha256s = np.array(snapshot.sha256s)[held_out].tolist()
    asked = unseen.can_say(old, sha256s, [pictures[sha256] for sha256 in sha256s])
    if not asked.any():
        raise Refused(_("%(name)s reads other vectors than these pictures have.") % {"name": old.name})
    chosen = np.array(sha256s)[asked].tolist()
    keys = [pictures[sha256] for sha256 in chosen]
    rows = held_out.copy()
    rows[held_out] = asked
    return _Said(rows, unseen.say(new, chosen, keys), unseen.say(old, chosen, keys))


def _compared(new: Iteration, old: Iteration, snapshot: Snapshot, said: _Said, *, by_folds: bool) -> Comparison:
    truths, sha256s = snapshot.truths[said.rows], np.array(snapshot.sha256s)[said.rows]
    columns, shared = _columns(old, new, snapshot), _shared(old, new, snapshot)
    before = np.zeros((len(truths), max(len(snapshot.tags), *columns) + 1), dtype=np.float32)
    before[:, columns] = said.old
    is_old = _is_of_known_tags(truths, shared, multilabel=snapshot.multilabel)
    if not is_old.any():
        raise Refused(_("There is no picture of a tag that both know."))
    if snapshot.multilabel:
        is_right = _exactly(said.new[:, shared], truths[:, shared])
        was_right = _exactly(before[:, : len(shared)][:, shared], truths[:, shared])
        new_right = _exactly(said.new[:, ~shared], truths[:, ~shared])
    else:
        is_right = new_right = _is_first(said.new, truths)
        was_right = _is_first(before, truths)
    gained, lost = is_old & is_right & ~was_right, is_old & was_right & ~is_right
    is_new = truths[:, ~shared].any(axis=1)
    return Comparison(
        old=old,
        new=new,
        pictures=int(is_old.sum()),
        old_right=int((is_old & was_right).sum()),
        new_right=int((is_old & is_right).sum()),
        gained=tuple(sha256s[gained].tolist()),
        lost=tuple(sha256s[lost].tolist()),
        falls=_falls(snapshot.tags, truths[is_old] & shared, gained[is_old], lost[is_old]),
        new_pictures=int(is_new.sum()),
        new_pictures_right=int((is_new & new_right).sum()),
        removed=_removed(old, columns, known=len(snapshot.tags)),
        by_folds=by_folds,
        said=replace(snapshot, measured=said.rows, probabilities=said.new),
    )


def _falls(tags: Sequence[str], truths: Flags, gained: Flags, lost: Flags) -> tuple[TagFall, ...]:
    """Return the tags that are told worse, by more than chance among so many; truths: (n, tags), the others (n,)."""
    looked_at = [
        TagFall(tag, int(of_tag.sum()), int(gained[of_tag].sum()), int(lost[of_tag].sum()))
        for tag, of_tag in zip(tags, truths.T, strict=True)
        if of_tag.sum() >= ENOUGH_OF_A_TAG
    ]
    adjusted = holm([mcnemar(each.gained, each.lost) for each in looked_at])
    tested = zip(looked_at, adjusted, strict=True)
    return tuple(each for each, p_value in tested if each.lost > each.gained and p_value < SIGNIFICANCE)


def _images(project: int, sha256s: Iterable[str]) -> ImageQuerySet:
    """Return what is left of these pictures in the project; one that was quarantined since may be unreadable."""
    return Image.objects.usable().filter(project=project, picture__sha256__in=list(sha256s))


def _columns(old: Iteration, new: Iteration, snapshot: Snapshot) -> list[int]:
    """Return for each tag of the old head its column in the new one's snapshot; behind its last where it has none.

    By id, as a tag may have been renamed: those of the labels, which a copied iteration has of its own project, else
    the keys of the snapshots; by name where neither is known.
    """
    known: Sequence[int | str | UUID] = snapshot.tags
    asked: Sequence[int | str | UUID] = _tags(old)
    if old.labels and new.labels:
        known, asked = ([label.uid for label in columns_of(each)] for each in (new, old))
    elif then := snapshot_of(old):
        known, asked = snapshot.tag_ids, then.tag_ids
    place = {tag: column for column, tag in enumerate(known)}
    beyond = count(len(known))
    return [place[tag] if tag in place else next(beyond) for tag in asked]


def _removed(old: Iteration, columns: Sequence[int], *, known: int) -> tuple[str, ...]:
    """Return the names of the old one's tags whose column is beyond those that the new one knows."""
    tags = zip(_tags(old), columns, strict=True)
    return tuple(tag for tag, column in tags if column >= known)


def _tags(iteration: Iteration) -> tuple[str, ...]:
    """Return the names of the tags that it tells apart, in the order of their columns."""
    if iteration.head_key:
        return read_head(iteration.head_key).tags
    snapshot = snapshot_of(iteration)
    return snapshot.tags if snapshot else ()


def _shared(old: Iteration, new: Iteration, snapshot: Snapshot) -> Flags:
    """Return (tags,), which tags of the new one's snapshot the old one knows."""
    known = set(_columns(old, new, snapshot))
    return np.array([column in known for column in range(len(snapshot.tags))], dtype=np.bool_)


def _is_of_known_tags(truths: Flags, shared: Flags, *, multilabel: bool) -> Flags:
    """Return (n,), which pictures both can tell; in a Multilabel project each, of the tags that both know."""
    if multilabel:
        return np.ones(len(truths), dtype=np.bool_)
    return ~np.asarray(truths[:, ~shared].any(axis=1))


def _is_first(probabilities: Floats, truths: Flags) -> Flags:
    """Return (n,), whether the most probable tag is the picture's; a tag beyond the truths' never is."""
    known = np.pad(truths, ((0, 0), (0, probabilities.shape[1] - truths.shape[1])))
    right: Flags = known[np.arange(len(truths)), probabilities.argmax(axis=1)]
    return right


def _exactly(probabilities: Floats, truths: Flags) -> Flags:
    right: Flags = ((probabilities >= _THRESHOLD) == truths).all(axis=1)
    return right
