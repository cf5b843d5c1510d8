"""The project that Classifr ships."""

import json

from django.db import transaction
from django.utils import timezone

from catalog import storage
from catalog.locks import lock_blobs_shared
from engine import backbones, heads
from training.heads import head_key, write_head
from training.labels import Label, dump_labels
from training.models import Iteration, Project, Tag
from training.services.publishing import publish

STARTER_NAME = "Food-101"
STARTER_HEAD = backbones.MODELS / "food-101.safetensors"


def install_starter() -> tuple[Iteration, bool]:
    """Make the project "Food-101" from the head that Classifr ships, and let it answer if nothing does yet.

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
            defaults={"domain": Project.Domain.FOOD, "description": "The 101 dishes of Food-101, ready to use."},
        )
        known = project.iterations.filter(head_key=key).first()
        if known:
            if not storage.has_blob(key):  # the storage may be another one than last time
                storage.write_blob(key, content)
            return known, False
        first = project.iterations.last()
        if first and project.images.exists():
            return first, False
        Tag.objects.bulk_create([Tag(project=project, name=name) for name in head.tags], ignore_conflicts=True)
        metrics = json.loads(STARTER_HEAD.with_suffix(".json").read_text())
        iteration = add_iteration(project=project, head=content, metrics=metrics)
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
