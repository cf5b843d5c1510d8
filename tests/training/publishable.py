"""Iterations that can be published, and what answers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tests import factories
from training import snapshots
from training.models import Iteration, Project
from training.services.starter import add_iteration
from training.snapshots import Snapshot

TAGS = ("cannoli", "risotto")


def make_iteration(project: Project, **fields: Any) -> Iteration:
    iteration = add_iteration(project=project, head=factories.make_head(*TAGS), metrics={})
    for name, value in fields.items():
        setattr(iteration, name, value)
    iteration.save()
    return iteration


def make_snapshot(sha256s: Sequence[str], **fields: Any) -> Snapshot:
    """Make one of pictures that were all held out."""
    count = len(sha256s)
    values: dict[str, Any] = {
        "tags": TAGS,
        "tag_ids": (1, 2),
        "sha256s": tuple(sha256s),
        "truths": np.arange(count)[:, None] % 2 == np.arange(2),
        "learned": np.zeros(count, dtype=np.bool_),
        "measured": np.ones(count, dtype=np.bool_),
        "probabilities": np.zeros((count, 2), dtype=np.float32),
        "multilabel": False,
    }
    return Snapshot(**{**values, **fields})


def learned(project: Project, *, right: int, of: int = 40, same_pictures_as: Iteration | None = None) -> Iteration:
    """Make an iteration that has so many of its measured pictures right."""
    truths = np.arange(of)[:, None] % 2 == np.arange(2)
    is_right = np.arange(of) < right
    probabilities = np.where(truths == is_right[:, None], 0.9, 0.1).astype(np.float32)
    if same_pictures_as:
        sha256s = snapshots.read(same_pictures_as.snapshot_key).sha256s
    else:
        images = [factories.make_image(project=project, size=(32, 24)) for _ in range(of)]
        sha256s = tuple(image.picture.sha256 for image in images)
    snapshot = make_snapshot(sha256s, truths=truths, probabilities=probabilities)
    return make_iteration(project, snapshot_key=snapshots.write(snapshot))


def published(project: Project) -> dict[int, str]:
    return dict(project.iterations.published().values_list("number", "publish_name"))


def live(project: Project) -> int | None:
    project.refresh_from_db()
    return project.live_iteration.number if project.live_iteration else None
