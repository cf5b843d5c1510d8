"""Projects as the page offers them: by name, by what they can tell apart, with photos to try them on."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from classifier.samples import Samples, samples_for
from training.labels import columns_of
from training.models import Project

FIRST_TAGS = 5


class Offer(NamedTuple):
    """A project in the picker."""

    project: Project
    first_tags: list[str]
    others: int
    """Tags besides."""
    samples: Samples | None
    """None: there is no photo of anything that it can recognise."""


def offers_of(projects: Iterable[Project]) -> Iterator[Offer]:
    for project in projects:
        tags = _tags(project)
        yield Offer(project, tags[:FIRST_TAGS], max(len(tags) - FIRST_TAGS, 0), samples_for(tags))


def _tags(project: Project) -> list[str]:
    """Return the names of the tags that answer, in the order of the alphabet."""
    iteration = project.live_iteration
    names = [label.name for label in columns_of(iteration)] if iteration else []
    return sorted(names or project.tags.values_list("name", flat=True), key=str.casefold)
