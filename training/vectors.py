"""See to it that every image of a project has its vector."""

import logging
import time
from collections.abc import Iterator, Sequence

import numpy as np
from django.conf import settings
from django.db.models import Count, Max
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from pgvector.django import CosineDistance

from catalog import embedding
from catalog.embedding import Unreadable
from catalog.exceptions import StorageUnavailable
from catalog.models import Picture, Vector
from catalog.refusals import refusal_sentence
from engine import backbones
from engine.backbones import Card
from engine.heads import Floats
from engine.metrics import Flags
from engine.shipped import examples_of
from jobs.progress import Progress
from training.models import Image, ImageQuerySet, Iteration, Project

logger = logging.getLogger(__name__)

_WAIT_S = 0.5
_ROWS_AT_ONCE = 500
_MOST_LOST = 20
"""Blobs that may be missing: with more, it is the storage that is wrong, not the pictures."""


def embed_missing(project: Project, *, progress: Progress) -> int:
    """Give every usable image of the project the vector that its next training reads, as `embed_images` does."""
    return embed_images(
        project.images.all(), project=project, card=backbones.for_domain(project.domain), progress=progress
    )


def embed_images(images: ImageQuerySet, *, project: Project, card: Card, progress: Progress) -> int:
    """Embed those of these images of the project that have no vector of that backbone; return how many had none.

    Of several processes one does it, the others wait for it. A picture that cannot be embedded is quarantined with the
    reason. Raises StorageUnavailable, ModelFileError and JobStopped; what was embedded until then stays.
    """
    missing = images.usable().without_vector(card.name)
    done = 0
    while (waiting := missing.aggregate(count=Count("pk"), last=Max("pk")))["count"]:
        with embedding.only_one(f"embed project {project.pk}") as is_mine:
            if is_mine:
                progress.begin(_preparing(waiting["count"]), total=waiting["count"])
                failures = embedding.embed(
                    _pictures(missing.filter(pk__lte=waiting["last"])),
                    backbone=backbones.get(card.name, threads=1),
                    threads=settings.CLASSIFR_EMBED_THREADS,
                    each=progress.advance,
                )
                _quarantine(failures, project)
                done += waiting["count"]
            else:
                progress.begin(_("Waiting for another worker to prepare the images"))
                time.sleep(_WAIT_S)
    return done


def _preparing(count: int) -> str:
    return ngettext("Preparing %(count)s image", "Preparing %(count)s images", count) % {"count": count}


def similar_images(image: Image, *, most: int) -> list[Image]:
    """Return the images of its project that look most like it, the nearest first; none before it has a vector."""
    vectors = Vector.objects.filter(backbone=backbones.for_domain(image.project.domain).name)
    own = vectors.filter(picture=image.picture_id).values_list("value", flat=True).first()
    if own is None:
        return []
    others = vectors.filter(picture__images__project=image.project_id).exclude(picture=image.picture_id)
    nearest = list(others.order_by(CosineDistance("value", own)).values_list("picture", flat=True)[:most])
    found = Image.objects.filter(project=image.project_id, picture__in=nearest).select_related("picture")
    return sorted(found.prefetch_related("tags"), key=lambda each: nearest.index(each.picture_id))


def read_vectors(card: Card, pictures: Sequence[int], sha256s: Sequence[str]) -> tuple[Floats, Flags]:
    """Return (n, length), the vectors by that backbone of these pictures, and (n,), of which there are any.

    pictures: their keys; 0 for one that is not stored, whose vector may come with the backbone.
    """
    vectors, is_known = embedding.read_vectors(pictures, backbone=card.name, length=card.vector_length)
    shipped = examples_of(card)
    comes_along = ~is_known & shipped.has(sha256s)
    vectors[comes_along] = shipped.vectors(np.array(sha256s)[comes_along].tolist())
    return vectors, is_known | comes_along


def _pictures(images: ImageQuerySet) -> Iterator[Picture]:
    """Yield the pictures of these images, a page at a time, whatever is done to the images meanwhile."""
    last = 0
    while page := list(images.filter(pk__gt=last).order_by("pk").select_related("picture")[:_ROWS_AT_ONCE]):
        last = page[-1].pk
        yield from (image.picture for image in page)


def _quarantine(failures: list[Unreadable], project: Project) -> None:
    """Leave aside what cannot be read, with the reason; raise StorageUnavailable where that looks like the storage."""
    lost = [failure for failure in failures if failure.reason is None]
    if len(lost) > _MOST_LOST:
        raise StorageUnavailable(lost[0].picture.blob_key)
    for failure in failures:
        sentence = refusal_sentence(failure.reason) if failure.reason else _("The storage has lost its bytes.")
        Image.objects.filter(project=project, picture=failure.picture).update(quarantine=sentence[:300])


def newer_backbone(iteration: Iteration) -> Card | None:
    """Return what a training would take now instead of the backbone that the iteration stands on, if that is old."""
    old = backbones.cards().get(iteration.backbone)
    return None if old is None or old.domains else backbones.for_domain(iteration.project.domain)


def drop_old_vectors() -> int:
    """Delete the vectors of backbones that no training takes any more and that nothing published stands on.

    Should an iteration on one of them be published again, what needs vectors makes them anew. Return how many went.
    """
    old = {card.name for card in backbones.cards().values() if not card.domains}
    standing = Iteration.objects.published().filter(backbone__in=old).values_list("backbone", flat=True)
    dropped, _by_model = Vector.objects.filter(backbone__in=old - set(standing)).delete()
    if dropped:
        logger.info("Dropped vectors of old backbones vectors=%s", dropped)
    return dropped


def embed_now(images: ImageQuerySet, *, backbone: backbones.Backbone, most: int) -> None:
    """Embed so many of these images here and now, the newest first; those that cannot be stay without a vector."""
    missing = images.without_vector(backbone.card.name).newest_first().select_related("picture")[:most]
    try:
        embedding.embed([image.picture for image in missing], backbone=backbone, threads=1)
    except StorageUnavailable as exc:
        logger.warning("Not embedded: %s", exc)
