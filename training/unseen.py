"""What an iteration says of pictures that it has not learned from, or says without what it has learned from them."""

from collections.abc import Sequence

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from catalog import embedding
from engine import backbones, fitting, multilabel, nearness
from engine.fitting import CannotFit, Choice, Examples
from engine.heads import Floats, Head
from engine.metrics import Flags
from training.exceptions import Refused
from training.heads import read_head
from training.models import Image, Iteration
from training.snapshots import Snapshot, snapshot_of

USUAL_STRENGTH = 10.0
"""C of iterations that do not tell theirs."""


def has_learned(iteration: Iteration, sha256s: Sequence[str]) -> Flags:
    """Return (n,), from which of these pictures the iteration has learned; from none where that is not known."""
    own = snapshot_of(iteration)
    learned = set(np.array(own.sha256s)[own.learned].tolist()) if own else set()
    return np.array([sha256 in learned for sha256 in sha256s], dtype=np.bool_)


def has_vectors(iteration: Iteration, pictures: Sequence[int]) -> Flags:
    """Return (n,), of which pictures there are the vectors that the iteration reads."""
    return _vectors(iteration, pictures)[1]


def say(iteration: Iteration, sha256s: Sequence[str], pictures: Sequence[int]) -> Floats:
    """Return (n, tags of its head), the probabilities that it gives these pictures, which have vectors.

    Where it has learned from a picture, a head is fitted in its manner on folds without it; what it said itself of
    pictures that were held out, or cross-validated, is taken from its snapshot. Raises Refused where it cannot be
    asked, StorageUnavailable and ModelFileError.
    """
    if not iteration.head_key:
        raise Refused(_("%(name)s was not trained here: it cannot be asked.") % {"name": iteration.name})
    head, own = read_head(iteration.head_key), snapshot_of(iteration)
    told = _told(own, sha256s) if own else np.full(len(sha256s), -1)
    probabilities = np.zeros((len(sha256s), len(head.tags)), dtype=np.float32)
    if own:
        probabilities[told >= 0] = own.probabilities[told[told >= 0]]
    learned = (told < 0) & has_learned(iteration, sha256s)
    asked = (told < 0) & ~learned
    if asked.any():
        vectors, known = _vectors(iteration, np.array(pictures)[asked].tolist())
        if not known.all():
            raise Refused(_("%(name)s reads other vectors than these pictures have.") % {"name": iteration.name})
        probabilities[asked] = head.probabilities(vectors)
    if own and learned.any():
        probabilities[learned] = _by_folds(iteration, own, head, np.array(sha256s)[learned].tolist())
    return probabilities


def _told(own: Snapshot, sha256s: Sequence[str]) -> NDArray[np.int64]:
    """Return (n,), the row of the snapshot's probabilities for each picture; -1 where it has none."""
    rows = {sha256: row for row, sha256 in enumerate(own.measured_sha256s)}
    return np.array([rows.get(sha256, -1) for sha256 in sha256s])


def _by_folds(iteration: Iteration, own: Snapshot, head: Head, sha256s: Sequence[str]) -> Floats:
    """Return (n, tags) for pictures that the iteration learned from: five fits on those that are still here."""
    learned = np.array(own.sha256s)[own.learned]
    ids = dict(
        Image.objects.usable()
        .filter(project=iteration.project_id, picture__sha256__in=learned.tolist())
        .values_list("picture__sha256", "picture_id")
    )
    rows = np.array([sha256 in ids for sha256 in learned], dtype=np.bool_)
    vectors, known = _vectors(iteration, [ids[sha256] for sha256 in learned[rows]])
    truths, kept = own.truths[own.learned][rows][known], learned[rows][known]
    place = {sha256: row for row, sha256 in enumerate(kept.tolist())}
    if not set(sha256s) <= place.keys():
        raise Refused(
            _("Some pictures that %(name)s learned from have no vectors any more.") % {"name": iteration.name}
        )
    labels = truths if own.multilabel else truths.argmax(axis=1)
    examples = Examples(vectors[known], labels, nearness.groups(vectors[known]))
    method = multilabel if own.multilabel else fitting
    strength = iteration.metrics.get("strength", USUAL_STRENGTH)
    try:
        method.check_examples(examples, tags=own.tags)
    except CannotFit as exc:
        raise Refused(str(exc)) from exc
    said = method.cross_validated(examples, Choice(strength, head.temperature, 0.0), seed=iteration.seed)
    return np.asarray(said[[place[sha256] for sha256 in sha256s]])


def _vectors(iteration: Iteration, pictures: Sequence[int]) -> tuple[Floats, Flags]:
    """Return the vectors that the iteration reads of those pictures that have them, and (n,), which do."""
    length = backbones.get(iteration.backbone).card.vector_length
    vectors, known = embedding.read_vectors(pictures, backbone=iteration.backbone, length=length)
    return vectors, known
