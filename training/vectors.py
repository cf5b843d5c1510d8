"""See to it that every image of a project has its vector."""

import time
from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext as _

from catalog import embedding
from catalog.embedding import Unreadable
from catalog.models import Picture
from engine import backbones
from jobs.progress import Progress
from training.models import Image, ImageQuerySet, Project

_WAIT_S = 0.5
_ROWS_AT_ONCE = 500


def embed_missing(project: Project, *, progress: Progress) -> int:
    """Embed the pictures of the project that have no vector yet; return how many had none.

    Of several processes one does it, the others wait for it. A picture that cannot be embedded is quarantined with the
    reason. Raises StorageUnavailable, ModelFileError and JobStopped; what was embedded until then stays.
    """
    card = backbones.for_domain(project.domain)
    missing = project.images.usable().without_vector(card.name)
    done = 0
    while count := missing.count():
        with embedding.only_one(f"embed project {project.pk}") as is_mine:
            if is_mine:
                progress.begin(_("Preparing images"), total=count)
                failures = embedding.embed(
                    _pictures(missing),
                    backbone=backbones.get(card.name, threads=1),
                    threads=settings.CLASSIFR_EMBED_THREADS,
                    each=progress.advance,
                )
                _quarantine(failures, project)
                done += count
            else:
                progress.begin(_("Waiting for another worker to prepare the images"))
                time.sleep(_WAIT_S)
    return done


def _pictures(images: ImageQuerySet) -> Iterator[Picture]:
    """Yield the pictures of these images, a page at a time, whatever is done to the images meanwhile."""
    last = 0
    while page := list(images.filter(pk__gt=last).order_by("pk").select_related("picture")[:_ROWS_AT_ONCE]):
        last = page[-1].pk
        yield from (image.picture for image in page)


def _quarantine(failures: list[Unreadable], project: Project) -> None:
    for failure in failures:
        Image.objects.filter(project=project, picture=failure.picture).update(quarantine=failure.sentence[:300])
