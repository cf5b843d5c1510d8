"""Steps that change what a project answers with."""

import hashlib
import json
import logging

from django.db import transaction

from catalog import storage
from engine import backbones, heads
from training.models import Iteration, Project, Tag

logger = logging.getLogger(__name__)

STARTER_NAME = "Food-101"
STARTER_HEAD = backbones.MODELS / "food-101.safetensors"


def install_starter() -> tuple[Iteration, bool]:
    """Make the project "Food-101" from the head that Classifr ships, and let it answer if nothing does yet.

    Return the iteration with that head, and whether it was made now. Safe to call at every start. Raises
    StorageUnavailable and ModelFileError.
    """
    content = STARTER_HEAD.read_bytes()
    head = heads.loads(content)
    key = _head_key(content)
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
        Tag.objects.bulk_create([Tag(project=project, name=name) for name in head.tags], ignore_conflicts=True)
        metrics = json.loads(STARTER_HEAD.with_suffix(".json").read_text())
        iteration = add_iteration(project=project, head=content, metrics=metrics)
        if project.live_iteration is None:
            go_live(iteration)
    return iteration, True


def add_iteration(*, project: Project, head: bytes, metrics: dict[str, object]) -> Iteration:
    """Store a head's file as the project's next iteration. Raises StorageUnavailable and ModelFileError."""
    loaded = heads.loads(head)
    key = _head_key(head)
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)
        last = project.iterations.first()
        number = last.number + 1 if last else 1
        storage.write_blob(key, head)
        return Iteration.objects.create(
            project=project,
            number=number,
            name=f"Iteration {number}",
            backbone=loaded.backbone,
            head_key=key,
            metrics=metrics,
        )


def go_live(iteration: Iteration) -> None:
    """Let the iteration answer for its project, in every process from its next prediction on."""
    iteration.project.live_iteration = iteration
    iteration.project.save(update_fields=["live_iteration"])
    logger.info("Live project=%s iteration=%s", iteration.project_id, iteration.number)


def read_head(head_key: str) -> heads.Head:
    """Read a head from the storage. Raises StorageUnavailable and ModelFileError."""
    return heads.loads(storage.read_blob(head_key))


def _head_key(content: bytes) -> str:
    return f"heads/{hashlib.sha256(content).hexdigest()}.safetensors"
