"""What iterations say of pictures that they have not learned from, or would say had they not."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from engine import backbones, fitting, multilabel, nearness, splitting
from engine.fitting import FOLDS, LEAST, Choice, Examples
from engine.heads import Floats, Head
from engine.metrics import Flags, Indices
from engine.shipped import examples_of
from training.exceptions import Refused
from training.heads import read_head
from training.models import Image, Iteration
from training.snapshots import Snapshot, snapshot_of
from training.vectors import read_vectors

USUAL_STRENGTH = 10.0
"""C of iterations that do not tell theirs."""


class Dealt(NamedTuple):
    """A picture in its fold."""

    picture: int
    """Its key; 0 for one that comes with the backbone."""
    fold: int
    """0 to FOLDS - 1; that of its near-duplicates too."""


def has_learned(iteration: Iteration, sha256s: Sequence[str]) -> Flags:
    """Return (n,), from which of these pictures the iteration has learned; from none where that is not known."""
    own = snapshot_of(iteration)
    learned = set(np.array(own.sha256s)[own.learned].tolist()) if own else set()
    return np.array([sha256 in learned for sha256 in sha256s], dtype=np.bool_)


def comes_along(iteration: Iteration, sha256s: Sequence[str]) -> Flags:
    """Return (n,), which pictures are among the examples that come with the iteration's backbone."""
    card = backbones.cards().get(iteration.backbone)
    return examples_of(card).has(sha256s) if card else np.zeros(len(sha256s), dtype=np.bool_)


def can_say(iteration: Iteration, sha256s: Sequence[str], pictures: Sequence[int]) -> Flags:
    """Return (n,), of which of these pictures, which it has not learned from, it says anything.

    pictures: their keys; 0 for one that comes with the backbone. Raises Refused for an iteration that says nothing of
    any picture, StorageUnavailable and ModelFileError.
    """
    own = snapshot_of(iteration)
    if not iteration.head_key:
        if own is None:
            raise Refused(_("%(name)s was not trained here: it cannot be asked.") % {"name": iteration.name})
        return _recorded_rows(own, sha256s) >= 0
    has_vector = _vectors(iteration, sha256s, pictures)[1]
    return has_vector if own is None else has_vector | (_recorded_rows(own, sha256s) >= 0)


def say(iteration: Iteration, sha256s: Sequence[str], pictures: Sequence[int]) -> Floats:
    """Return (n, its tags), the probabilities that it gives pictures of which it `can_say`.

    What it said when it was measured on a picture is taken from its snapshot. Raises StorageUnavailable and
    ModelFileError.
    """
    own = snapshot_of(iteration)
    head = read_head(iteration.head_key) if iteration.head_key else None
    tags = head.tags if head else own.tags if own else ()
    recorded = _recorded_rows(own, sha256s) if own else np.full(len(sha256s), -1)
    probabilities = np.zeros((len(sha256s), len(tags)), dtype=np.float32)
    if own:
        probabilities[recorded >= 0] = own.probabilities[recorded[recorded >= 0]]
    asked = recorded < 0
    if head and asked.any():
        vectors, _known = _vectors(iteration, np.array(sha256s)[asked].tolist(), np.array(pictures)[asked].tolist())
        probabilities[asked] = head.probabilities(vectors)
    return probabilities


def deal(new: Iteration, old: Iteration) -> dict[str, Dealt]:
    """Deal the pictures of both into folds, by sha256: near-duplicates into one, each tag into all where that can be.

    Those that are still in the project, usable, or come with the backbone, and have the vectors that the new one reads.
    """
    snapshots = [snapshot for snapshot in map(snapshot_of, (new, old)) if snapshot]
    everything = sorted({sha256 for each in snapshots for sha256 in each.sha256s})
    keys = _pictures(new.project_id, everything)
    ids = {sha256: keys.get(sha256, 0) for sha256 in everything}
    vectors, known = _vectors(new, everything, list(ids.values()))
    sha256s = np.array(everything)[known].tolist()
    tags = dict(zip(snapshots[0].sha256s, snapshots[0].truths.argmax(axis=1).tolist(), strict=True))
    labels = np.array([tags.get(sha256, -1) for sha256 in sha256s], dtype=np.intp)
    folds = splitting.deal(labels, nearness.groups(vectors[known]), count=FOLDS)
    return {sha256: Dealt(ids[sha256], int(fold)) for sha256, fold in zip(sha256s, folds, strict=True)}


def say_by_folds(iteration: Iteration, sha256s: Sequence[str], dealt: Mapping[str, Dealt]) -> tuple[Floats, Flags]:
    """Return (n, its tags), what heads that are fitted in its manner without a picture's fold say of it, and (n,), of
    which pictures there are the vectors that they read.

    A head that does not know what it has learned from, as the one that Classifr ships, is asked as it is. Raises
    Refused where too little is left to fit one, StorageUnavailable and ModelFileError.
    """
    own, head = snapshot_of(iteration), read_head(iteration.head_key)
    vectors, known = _vectors(iteration, sha256s, [dealt[sha256].picture for sha256 in sha256s])
    if own is None:
        return head.probabilities(vectors), known
    examples, example_folds = _examples(iteration, own, dealt)
    folds = np.array([dealt[sha256].fold for sha256 in sha256s])
    probabilities = np.zeros((len(sha256s), len(own.tags)), dtype=np.float32)
    for fold in np.unique(folds):
        columns, fitted = _refit(iteration, head, examples.only(np.flatnonzero(example_folds != fold)))
        rows = np.flatnonzero(folds == fold)
        probabilities[np.ix_(rows, columns)] = fitted.probabilities(vectors[rows])
    return probabilities, known


def _examples(iteration: Iteration, own: Snapshot, dealt: Mapping[str, Dealt]) -> tuple[Examples, Indices]:
    """Return what the iteration has learned from, as far as it is there, labels as (n, tags), and (n,) the folds."""
    rows = [row for row in np.flatnonzero(own.learned) if own.sha256s[row] in dealt]
    sha256s = [own.sha256s[row] for row in rows]
    placed = [dealt[sha256] for sha256 in sha256s]
    vectors, known = _vectors(iteration, sha256s, [each.picture for each in placed])
    folds = np.array([each.fold for each in placed], dtype=np.intp)
    return Examples(vectors[known], own.truths[rows][known]), folds[known]


def _refit(iteration: Iteration, head: Head, examples: Examples) -> tuple[Indices, Head]:
    """Return a head of the tags that these examples have, and their columns; the others it cannot know."""
    columns = np.flatnonzero(examples.labels.any(axis=0))
    if len(columns) < (1 if head.multilabel else LEAST):
        raise Refused(_("%(name)s has learned from too few pictures to be judged by folds.") % {"name": iteration.name})
    truths = examples.labels[:, columns]
    method = multilabel if head.multilabel else fitting
    fitted = method.fit_as_chosen(
        Examples(examples.vectors, truths if head.multilabel else truths.argmax(axis=1)),
        Choice(iteration.metrics.get("strength", USUAL_STRENGTH), head.temperature, 0.0),
        tags=[head.tags[column] for column in columns],
        card=backbones.get(iteration.backbone).card,
    )
    return columns, fitted


def _recorded_rows(own: Snapshot, sha256s: Sequence[str]) -> NDArray[np.int64]:
    """Return (n,), the row of the snapshot's probabilities for each picture; -1 where it has none."""
    rows = {sha256: row for row, sha256 in enumerate(own.measured_sha256s)}
    return np.array([rows.get(sha256, -1) for sha256 in sha256s], dtype=np.int64)


def _pictures(project: int, sha256s: Iterable[str]) -> dict[str, int]:
    """Return the keys of those of these pictures that training may use, by sha256."""
    usable = Image.objects.usable().filter(project=project, picture__sha256__in=list(sha256s))
    return dict(usable.values_list("picture__sha256", "picture_id"))


def _vectors(iteration: Iteration, sha256s: Sequence[str], pictures: Sequence[int]) -> tuple[Floats, Flags]:
    """Return (n, length), the vectors that the iteration reads, and (n,), which of these pictures have one."""
    return read_vectors(backbones.get(iteration.backbone).card, pictures, sha256s)
