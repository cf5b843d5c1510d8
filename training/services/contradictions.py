"""Settle which of two tags a photo has."""

from django.utils import timezone

from training.models import Contradiction
from training.services.tagging import Pair, tag_images


def settle_contradiction(contradiction: Contradiction, *, gets_tag: bool) -> None:
    """Let the image keep its tag or, if it gets the other one, change it. Said once, it is not asked again."""
    if gets_tag:
        project = contradiction.image.project
        tag_images(project, [Pair(contradiction.image, contradiction.tag)], replace=True)
    Contradiction.objects.filter(pk=contradiction.pk).update(settled_at=timezone.now())
