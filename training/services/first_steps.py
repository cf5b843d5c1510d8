"""What a developer has done of what leads to a first model of their own."""

from typing import NamedTuple

from django.db.models import Exists, OuterRef

from training.models import Image, Iteration, Project, Tag


class FirstSteps(NamedTuple):
    """How far the newest project has come that is neither archived nor the one which Classifr ships."""

    project: Project | None
    has_images: bool
    iteration: Iteration | None
    """Its newest completed one."""


def first_steps() -> FirstSteps | None:
    """Return the steps until there is a model of one's own that answers; then None."""
    own = Project.objects.active().exclude(tags__in=Tag.objects.exclude(shipped_label=""))
    if own.filter(live_iteration__isnull=False).exists():
        return None
    project = own.order_by(Exists(Image.objects.filter(project=OuterRef("pk"))).desc(), "-pk").first()
    if project is None:
        return FirstSteps(None, has_images=False, iteration=None)
    return FirstSteps(project, project.images.exists(), project.iterations.completed().first())
