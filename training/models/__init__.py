"""Projects, their tags and images, what training made of them, and what was published."""

from training.models.contradictions import Contradiction
from training.models.images import Image, ImageQuerySet, ImageTag
from training.models.iterations import Iteration, IterationQuerySet
from training.models.projects import Project, ProjectQuerySet, Tag, TagQuerySet
from training.models.publications import Publication

__all__ = [
    "Contradiction",
    "Image",
    "ImageQuerySet",
    "ImageTag",
    "Iteration",
    "IterationQuerySet",
    "Project",
    "ProjectQuerySet",
    "Publication",
    "Tag",
    "TagQuerySet",
]
