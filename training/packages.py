"""An iteration as a package for other programs, and the proof that it answers as Classifr does."""

import logging
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from catalog.exceptions import StorageUnavailable
from catalog.models import Picture
from catalog.services import read_picture
from engine import backbones, packages
from engine.backbones import Backbone, Card
from engine.exceptions import RefusedPicture
from engine.heads import Head
from engine.packages import Golden, NotTheSame, Origin
from training import snapshots
from training.exceptions import Refused
from training.heads import read_head
from training.models import Iteration

logger = logging.getLogger(__name__)

_PICTURES = 8
_DIGITS = 5
"""Of a probability: enough to see what is refused from a thousandth on."""


@dataclass(frozen=True)
class _Exported:
    """An iteration's model as one file, with what it is made of and measured by."""

    head: Head
    card: Card
    model: bytes
    pictures: list[Golden]


def package(iteration: Iteration, *, platform: str = "ONNX", flavor: str | None = None) -> bytes:
    """Return the iteration as a zip file, checked; platform and flavor: as `packages.FLAVORS` has them.

    Raises Refused, StorageUnavailable and ModelFileError.
    """
    exported = _export(iteration)
    if iteration.proof != _proof(iteration):
        _prove(iteration, exported)
    return packages.build(
        exported.model,
        head=exported.head,
        card=exported.card,
        pictures=exported.pictures,
        about=_about(iteration),
        origin=Origin(iteration.uid, timezone.now(), platform=platform, flavor=flavor),
    )


def check_fit_to_answer(iteration: Iteration) -> None:
    """Prove that the iteration's exported model answers as it does here, unless that was proven before.

    Raises Refused, StorageUnavailable and ModelFileError.
    """
    _check_is_ours(iteration)
    if iteration.proof != _proof(iteration):
        _prove(iteration, _export(iteration))


def _check_is_ours(iteration: Iteration) -> None:
    if not iteration.head_key:
        raise Refused(_("%(name)s was not trained here: it cannot be exported.") % {"name": iteration.name})


def _export(iteration: Iteration) -> _Exported:
    _check_is_ours(iteration)
    head = read_head(iteration.head_key)
    backbone = backbones.get(iteration.backbone, threads=1)
    pictures = _golden_pictures(iteration, head, backbone) or _made_up_pictures(head, backbone)
    return _Exported(head, backbone.card, packages.to_onnx(head, backbone), pictures)


def _proof(iteration: Iteration) -> str:
    """Return what a proof depends on: the contents of head and backbone, and what counts with them."""
    card = backbones.get(iteration.backbone, threads=1).card
    return f"{iteration.head_key} {card.sha256} {packages.versions()}"


def _prove(iteration: Iteration, exported: _Exported) -> None:
    """Compare the exported model with ours and remember that they agree; raise Refused where they do not."""
    try:
        packages.check(exported.model, exported.pictures, tags=exported.head.tags)
    except NotTheSame as exc:
        raise Refused(_not_the_same(exc, iteration)) from exc
    iteration.proof = _proof(iteration)
    # For a program the iteration is as it was.
    Iteration.objects.filter(pk=iteration.pk).update(proof=iteration.proof, modified_at=F("modified_at"))


def _not_the_same(exc: NotTheSame, iteration: Iteration) -> str:
    """Return the sentence for people, who know their pictures by the names of the files."""
    image = iteration.project.images.filter(picture__sha256=exc.picture).first()
    return _(
        "The exported model is not the same as ours: on %(picture)s it says %(answer)s of %(tag)s, ours %(expected)s."
    ) % {
        "picture": (image and image.name) or exc.picture,
        "answer": number_format(exc.answer, decimal_pos=_DIGITS),
        "tag": exc.tag,
        "expected": number_format(exc.expected, decimal_pos=_DIGITS),
    }


def _golden_pictures(iteration: Iteration, head: Head, backbone: Backbone) -> list[Golden]:
    """Return a few held-out pictures that still exist."""
    if not iteration.snapshot_key:
        return []
    sha256s = snapshots.read(iteration.snapshot_key).measured_sha256s
    pictures = Picture.objects.filter(sha256__in=sha256s[: 4 * _PICTURES]).order_by("sha256")[:_PICTURES]
    return [golden for picture in pictures if (golden := _golden(picture, head, backbone))]


def _golden(picture: Picture, head: Head, backbone: Backbone) -> Golden | None:
    """Return the picture unless its bytes are lost or damaged: one picture must not stand in the way."""
    try:
        return packages.golden(picture.sha256, read_picture(picture), head=head, backbone=backbone)
    except (StorageUnavailable, RefusedPicture) as exc:
        logger.warning("Not used as a golden picture sha256=%s: %s", picture.sha256, exc)
        return None


def _made_up_pictures(head: Head, backbone: Backbone) -> list[Golden]:
    made_up = packages.synthetic_pictures()
    return [packages.golden(name, content, head=head, backbone=backbone) for name, content in made_up.items()]


def _about(iteration: Iteration) -> dict[str, Any]:
    return {
        "project": iteration.project.name,
        "iteration": iteration.name,
        "trained_at": iteration.trained_at.isoformat() if iteration.trained_at else None,
        "metrics": iteration.metrics,
    }
