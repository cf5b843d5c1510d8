"""Classifr's own engine: heads on stored vectors, fitted in this process."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from catalog.locks import lock_blobs_shared
from engine import backbones, fitting, heads, multilabel, nearness
from engine.fitting import CannotFit, Examples
from engine.heads import Floats, Head
from engine.metrics import Flags, Indices
from engine.splitting import HELD_OUT_SHARE, Part, Parts
from jobs.progress import Progress
from training import comparison, evaluation, examples, packages, snapshots
from training.backends.base import Capabilities, Domain, TrainingOptions
from training.examples import Dataset
from training.exceptions import Refused, TrainingFailed
from training.figures import Performance
from training.heads import write_head
from training.labels import Label, dump_labels
from training.models import Image, Iteration, Project
from training.services import intake
from training.snapshots import Snapshot
from training.uploads import ImageUpload, UploadResult
from training.vectors import embed_missing

_LEAST_FOR_CALIBRATION = 2
"""Held-out pictures for each tag, on average, from which they choose C and temperature better than folds do."""

_ENOUGH_TO_MEASURE = 5
"""Held-out pictures of a tag that say something of it."""


class LocalTrainer:
    """Trains on our own tables: pictures are embedded once, a head is fitted in seconds."""

    capabilities = Capabilities(needs_vectors=True)
    mirror = None

    def domains(self) -> tuple[Domain, ...]:
        cards = backbones.cards().values()
        return tuple(Domain(card.name, domain) for card in cards for domain in card.domains)

    def upload_images(
        self, project: Project, batch: Sequence[ImageUpload], *, by: User | None
    ) -> tuple[UploadResult, ...]:
        return intake.add_images(project, batch, by=by)

    def train(self, iteration: Iteration, *, options: TrainingOptions, progress: Progress) -> None:
        started = time.monotonic()
        project = iteration.project  # read once: another domain or type is for the next training
        embed_missing(project, progress=progress)
        dataset = examples.load(project, only=options.tags)
        progress.begin(_("Splitting the images"))
        dataset, vectors = examples.with_vectors(dataset)
        groups = nearness.groups(vectors, check=progress.check)
        parts = examples.decide_parts(dataset, groups)
        progress.begin(_("Fitting"))
        head, snapshot, strength = _fit(dataset, vectors, parts, groups, seed=options.seed, progress=progress)
        live = project.iterations.live().trained_here().exclude(backbone=dataset.card.name).first()
        if live:
            comparison.make_comparable(snapshot, live, progress=progress)
        progress.begin(_("Storing the result"))
        with transaction.atomic():
            lock_blobs_shared()
            is_ours = Iteration.objects.complete(
                iteration,
                backbone=dataset.card.name,
                head_key=write_head(heads.dumps(head)),
                snapshot_key=snapshots.write(snapshot),
                labels=dump_labels(map(Label.of, dataset.tags)),
                data_hash=dataset.with_parts(parts).fingerprint(seed=options.seed),
                metrics={**evaluation.figures(snapshot), **_honesty(dataset, parts), "strength": strength},
                training_seconds=time.monotonic() - started,
            )
            _note_corrections(dataset, parts, iteration)
        if not is_ours:
            raise TrainingFailed(_("The iteration was deleted or given up meanwhile."))

    def performance(self, iteration: Iteration, *, threshold: float) -> Performance:
        evaluation.check_is_trained(iteration)
        snapshot = snapshots.snapshot_of(iteration)
        if snapshot is None:
            raise Refused(_("%(name)s was not trained here: its pictures are not known.") % {"name": iteration.name})
        return evaluation.performance(snapshot, threshold=threshold)

    def check_fit_to_answer(self, iteration: Iteration) -> None:
        packages.check_fit_to_answer(iteration)


def _note_corrections(dataset: Dataset, parts: Parts, iteration: Iteration) -> None:
    """Remember of each correction which iteration learned from it first, for whoever sent or corrected it."""
    rows = (parts == Part.TRAINING) & dataset.corrections
    keys = [dataset.examples[row].image_id for row in np.flatnonzero(rows)]
    Image.objects.filter(pk__in=keys, learned_by=None).update(learned_by=iteration)


def _fit(
    dataset: Dataset, vectors: Floats, parts: Parts, groups: Indices, *, seed: int, progress: Progress
) -> tuple[Head, Snapshot, float]:
    """Return the head, what it was made of and says, and the C that was chosen."""
    method = multilabel if dataset.multilabel else fitting
    labels = dataset.truths if dataset.multilabel else dataset.truths.argmax(axis=1)
    learned, held_out = parts == Part.TRAINING, parts == Part.HELD_OUT
    training = Examples(vectors[learned], labels[learned], groups[learned], dataset.corrections[learned])
    calibration = Examples(vectors[held_out], labels[held_out]) if _calibrates(dataset, held_out) else None
    try:
        method.check_examples(training, tags=dataset.names)
    except CannotFit as exc:
        raise TrainingFailed(str(exc)) from exc
    choice = method.choose(training, calibration=calibration, seed=seed, check=progress.check)
    head = method.fit_as_chosen(training, choice, tags=dataset.names, card=dataset.card, check=progress.check)
    if calibration and not dataset.multilabel:
        head = fitting.recalibrated(head, calibration)
    if _can_measure(dataset, held_out):
        measured, probabilities = held_out, head.probabilities(vectors[held_out])
    else:
        measured = learned & ~dataset.corrections
        said = method.cross_validated(training, choice, seed=seed, check=progress.check)
        probabilities = said[measured[learned]]
    used = learned | held_out
    snapshot = Snapshot(
        tags=dataset.names,
        tag_ids=tuple(tag.pk for tag in dataset.tags),
        sha256s=tuple(np.array(dataset.sha256s)[used].tolist()),
        truths=dataset.truths[used],
        learned=learned[used],
        measured=measured[used],
        probabilities=probabilities,
        multilabel=dataset.multilabel,
    )
    return head, snapshot, choice.strength


def _can_measure(dataset: Dataset, held_out: Flags) -> bool:
    """Say whether a picture of every tag is held out."""
    return bool(dataset.truths[held_out].any(axis=0).all())


def _calibrates(dataset: Dataset, held_out: Flags) -> bool:
    return int(held_out.sum()) >= _LEAST_FOR_CALIBRATION * len(dataset.tags)


def _honesty(dataset: Dataset, parts: Parts) -> dict[str, Any]:
    """Return what one must know of the figures.

    They are optimistic when the backbone was fine-tuned on the pictures and too few others could be held out: it finds
    pictures that it knows easier than those to come.
    """
    is_held_out = parts == Part.HELD_OUT
    held_out = dataset.truths[is_held_out].sum(axis=0)
    wanted = np.minimum(np.ceil(HELD_OUT_SHARE * dataset.truths.sum(axis=0)), _ENOUGH_TO_MEASURE)
    seen = dataset.truths[dataset.was_seen].sum(axis=0)
    measures_seen = dataset.was_seen.any() and not _can_measure(dataset, is_held_out)
    return {
        "is_optimistic": bool(measures_seen or ((held_out < wanted) & (seen > 0)).any()),
        "seen": int(dataset.was_seen.sum()),
        "shipped": int(dataset.is_shipped.sum()),
        "left_out": int((parts == Part.LEFT_OUT).sum()),
    }
