"""The project that Classifr ships."""

import json

import numpy as np
from django.db import transaction
from django.utils import timezone

from catalog import storage
from catalog.locks import lock_blobs_shared
from engine import backbones, heads
from engine.heads import Head
from engine.shipped import ShippedExamples, examples_of
from training import snapshots
from training.heads import head_key, write_head
from training.labels import Label, columns_of, dump_labels
from training.models import Iteration, Project, Tag
from training.services.publishing import publish
from training.snapshots import Snapshot

STARTER_NAME = "Food-101"
STARTER_HEAD = backbones.MODELS / "food-101.safetensors"


def install_starter() -> tuple[Iteration, bool]:
    """Make the project "Food-101" from the head that Classifr ships, and let it answer if nothing does yet.

    Its tags get the examples that come with the backbone, from which its trainings learn beside its images.

    Where an earlier Classifr has made it, what is live stays so: the new iteration waits beside it to be published,
    and in a project that has images of its own nothing is added. Return the iteration with that head, or the project's
    first, and whether it was made now. Safe to call at every start. Raises StorageUnavailable and ModelFileError.
    """
    content = STARTER_HEAD.read_bytes()
    head = heads.loads(content)
    key = head_key(content)
    with transaction.atomic():
        project, _ = Project.objects.get_or_create(
            name=STARTER_NAME,
            defaults={
                "domain": Project.Domain.FOOD,
                "description": "The 101 dishes of Food-101, ready to use.",
                "is_default": not Project.objects.filter(is_default=True).exists(),
            },
        )
        known = project.iterations.filter(head_key=key).first()
        if known:
            if not storage.has_blob(key):  # the storage may be another one than last time
                storage.write_blob(key, content)
            _make_teachable(known, head)
            return known, False
        first = project.iterations.last()
        if first and project.images.exists():
            return first, False
        Tag.objects.bulk_create([Tag(project=project, name=name) for name in head.tags], ignore_conflicts=True)
        iteration = add_iteration(project=project, head=content, metrics=_read_metrics())
        _make_teachable(iteration, head)
        if project.live_iteration is None:
            publish(iteration=iteration, by=None, reason="The model that Classifr ships.")
    return iteration, True


def add_iteration(*, project: Project, head: bytes, metrics: dict[str, object]) -> Iteration:
    """Store a head's file as the project's next iteration, completed. Raises StorageUnavailable and ModelFileError."""
    loaded = heads.loads(head)
    with transaction.atomic():
        lock_blobs_shared()
        number = project.take_number()
        return Iteration.objects.create(
            project=project,
            number=number,
            name=f"Iteration {number}",
            status=Iteration.Status.COMPLETED,
            trained_at=timezone.now(),
            backbone=loaded.backbone,
            head_key=write_head(head),
            labels=dump_labels(map(Label.of, project.tags.filter(name__in=loaded.tags))),
            metrics=metrics,
        )


def _make_teachable(iteration: Iteration, head: Head) -> None:
    """Tie tags to the examples that come with the backbone, and note what the head learned from and says of the rest.

    Tags are known by their ids: they may have other names by now, or be deleted. An earlier Classifr did neither.
    """
    shipped = examples_of(backbones.cards()[head.backbone])
    if not shipped:
        return
    uids = {label.name: label.uid for label in columns_of(iteration)}
    tags = {tag.uid: tag for tag in iteration.project.tags.filter(uid__in=uids.values())}
    untied = [(tags[uid], name) for name, uid in uids.items() if uid in tags and not tags[uid].shipped_label]
    for tag, name in untied:
        tag.shipped_label = name
    Tag.objects.bulk_update([tag for tag, _name in untied], ["shipped_label"])
    if not (iteration.snapshot_key and storage.has_blob(iteration.snapshot_key)):
        lock_blobs_shared()
        keys = tuple(tags[uids[name]].pk if uids[name] in tags else 0 for name in head.tags)
        iteration.snapshot_key = snapshots.write(_snapshot(head, shipped, tag_ids=keys))
        iteration.metrics = _read_metrics() | {"shipped": len(shipped)}
        iteration.save(update_fields=["snapshot_key", "metrics"])


def _snapshot(head: Head, shipped: ShippedExamples, *, tag_ids: tuple[int, ...]) -> Snapshot:
    """Return what the head was made of and says; its tags are the labels of the examples, in one order."""
    return Snapshot(
        tags=head.tags,
        tag_ids=tag_ids,
        sha256s=shipped.sha256s,
        truths=np.eye(len(head.tags), dtype=np.bool_)[shipped.columns],
        learned=~shipped.held_out,
        measured=shipped.held_out,
        probabilities=head.probabilities(shipped.vectors(np.array(shipped.sha256s)[shipped.held_out].tolist())),
        multilabel=False,
    )


def _read_metrics() -> dict[str, object]:
    metrics: dict[str, object] = json.loads(STARTER_HEAD.with_suffix(".json").read_text())
    return metrics
