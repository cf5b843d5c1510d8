"""Is a new iteration better than the live one? On the same held-out pictures, with a test that knows of chance."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from uuid import UUID

import numpy as np
from django.utils.translation import gettext as _

from catalog import embedding
from engine import backbones
from engine.metrics import Flags
from engine.statistics import mcnemar
from jobs.progress import Progress
from training.exceptions import Refused
from training.heads import read_head
from training.labels import columns_of
from training.models import Image, ImageQuerySet, Iteration
from training.snapshots import Snapshot, snapshot_of
from training.vectors import embed_images

SIGNIFICANCE = 0.05
_THRESHOLD = 0.5
_LEAST_TOLD = 0.001


@dataclass(frozen=True)
class Comparison:
    """What two iterations say of the same pictures, which neither was trained on.

    A picture is right when its tag is the most probable one or, in a Multilabel project, when exactly its tags have a
    probability of at least 0.5.
    """

    old: Iteration
    new: Iteration
    pictures: int
    old_right: int
    new_right: int
    gained: tuple[str, ...]
    """sha256 of the pictures that only the new one has right."""
    lost: tuple[str, ...]
    """sha256 of the pictures that only the old one has right."""

    @property
    def p_value(self) -> float:
        return mcnemar(len(self.gained), len(self.lost))

    @property
    def is_better(self) -> bool:
        return len(self.gained) > len(self.lost) and self.p_value < SIGNIFICANCE

    def sentence(self) -> str:
        """Say what was compared and what follows, for the log."""
        counts = _(
            "On %(pictures)s held-out pictures %(new)s has %(new_right)s right, %(old)s %(old_right)s: "
            "%(gained)s gained, %(lost)s lost, %(p)s."
        ) % {
            "pictures": self.pictures,
            "new": self.new.name,
            "new_right": self.new_right,
            "old": self.old.name,
            "old_right": self.old_right,
            "gained": len(self.gained),
            "lost": len(self.lost),
            "p": "p < 0.001" if self.p_value < _LEAST_TOLD else f"p = {self.p_value:.3f}",
        }
        verdict = _("That is better.") if self.is_better else _("That is not clearly better.")
        return f"{counts} {verdict}"


def compare(new: Iteration, old: Iteration) -> Comparison:
    """Compare two iterations of one project on what the new one held out and the old one did not learn from.

    Raises Refused where that cannot be known, StorageUnavailable and ModelFileError.
    """
    snapshot = snapshot_of(new)
    if snapshot is None:
        raise Refused(_("%(name)s was not trained here: its pictures are not known.") % {"name": new.name})
    rows = _not_learned(snapshot, old)
    images = _images(new.project_id, np.array(snapshot.measured_sha256s)[rows].tolist())
    pictures = dict(images.values_list("picture__sha256", "picture_id"))
    rows &= np.array([sha256 in pictures for sha256 in snapshot.measured_sha256s], dtype=np.bool_)
    if not rows.any():
        raise Refused(_("There is no picture that neither of the two was trained on."))
    sha256s = np.array(snapshot.measured_sha256s)[rows]
    truths = snapshot.measured_truths[rows]
    is_right = _is_right(snapshot.probabilities[rows], truths, multilabel=snapshot.multilabel)
    was_right = _was_right(old, new, snapshot, truths, [pictures[sha256] for sha256 in sha256s])
    return Comparison(
        old=old,
        new=new,
        pictures=int(rows.sum()),
        old_right=int(was_right.sum()),
        new_right=int(is_right.sum()),
        gained=tuple(sha256s[is_right & ~was_right].tolist()),
        lost=tuple(sha256s[was_right & ~is_right].tolist()),
    )


def make_comparable(snapshot: Snapshot, old: Iteration, *, progress: Progress) -> None:
    """Let an old iteration be asked about what a new one, which reads other vectors, has measured itself on.

    Raises what `embed_images` does.
    """
    card = backbones.cards().get(old.backbone)
    if card:  # else the old one answers nothing any more
        rows = _not_learned(snapshot, old)
        images = _images(old.project_id, np.array(snapshot.measured_sha256s)[rows].tolist())
        embed_images(images, project=old.project, card=card, progress=progress)


def _images(project: int, sha256s: Iterable[str]) -> ImageQuerySet:
    """Return what is left of these pictures in the project; one that was quarantined since may be unreadable."""
    return Image.objects.usable().filter(project=project, picture__sha256__in=sha256s)


def _not_learned(snapshot: Snapshot, iteration: Iteration) -> Flags:
    """Return (measured pictures,), from which of them the iteration has not learned."""
    own = snapshot_of(iteration)
    learned = set(np.array(own.sha256s)[own.learned].tolist()) if own else set()
    return np.array([sha256 not in learned for sha256 in snapshot.measured_sha256s], dtype=np.bool_)


def _was_right(old: Iteration, new: Iteration, snapshot: Snapshot, truths: Flags, pictures: list[int]) -> Flags:
    """Return (n,), whether the old iteration has each picture right; a tag that it does not know, it never has."""
    if not old.head_key:
        raise Refused(_("%(name)s was not trained here: it cannot be asked.") % {"name": old.name})
    head = read_head(old.head_key)
    length = backbones.get(old.backbone).card.vector_length
    vectors, has_vector = embedding.read_vectors(pictures, backbone=old.backbone, length=length)
    if not has_vector.all():
        raise Refused(_("%(name)s reads other vectors than these pictures have.") % {"name": old.name})
    columns = _columns(old, new, head.tags, snapshot)
    width = max(truths.shape[1], max(columns) + 1)
    probabilities = np.zeros((len(pictures), width), dtype=np.float32)
    probabilities[:, columns] = head.probabilities(vectors)
    known = np.pad(truths, ((0, 0), (0, width - truths.shape[1])))
    return _is_right(probabilities, known, multilabel=snapshot.multilabel)


def _columns(old: Iteration, new: Iteration, tags: Sequence[str], snapshot: Snapshot) -> list[int]:
    """Return for each tag of the old head its column in the new one's snapshot; behind its last where it has none.

    By id, as a tag may have been renamed: those of the labels, which a copied iteration has of its own project, else
    the keys of the snapshots; by name where neither is known.
    """
    known: Sequence[int | str | UUID] = snapshot.tags
    asked: Sequence[int | str | UUID] = tags
    if old.labels and new.labels:
        known, asked = ([label.uid for label in columns_of(each)] for each in (new, old))
    elif then := snapshot_of(old):
        known, asked = snapshot.tag_ids, then.tag_ids
    place = {tag: column for column, tag in enumerate(known)}
    beyond = count(len(known))
    return [place[tag] if tag in place else next(beyond) for tag in asked]


def _is_right(probabilities: np.ndarray, truths: Flags, *, multilabel: bool) -> Flags:
    if multilabel:
        right: Flags = ((probabilities >= _THRESHOLD) == truths).all(axis=1)
    else:
        right = truths[np.arange(len(truths)), probabilities.argmax(axis=1)]
    return right
