"""Photos that come with Classifr, to try it with."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from training.labels import columns_of
from training.models import Project
from training.names import same_name


class Sample(NamedTuple):
    """A photo, and what it shows."""

    name: str
    """Of its file, without the suffix."""
    shows: Promise
    tags: frozenset[str]
    """Names by which a project may know what it shows."""


SAMPLES = (
    Sample("doughnuts", _("Doughnuts"), frozenset({"donut", "donuts", "doughnut", "doughnuts", "beignet", "beignets"})),
    Sample("coffee", _("A cup of coffee"), frozenset({"coffee", "espresso", "cup", "café", "tasse"})),
    Sample("cat", _("A cat"), frozenset({"cat", "cats", "chat", "chats"})),
    Sample("rocket", _("A rocket"), frozenset({"rocket", "rockets", "fusée", "fusées"})),
)


class ProjectSamples(NamedTuple):
    """What may be tried with a project."""

    project: int
    """Its key."""
    known: tuple[Sample, ...]
    """Photos of which it has a tag."""
    trap: Sample
    """A photo of which it has none."""


def samples_of(projects: Iterable[Project]) -> Iterator[ProjectSamples]:
    """Yield the samples of those projects that can recognise any."""
    for project in projects:
        tags = _tags(project)
        known = tuple(sample for sample in SAMPLES if sample.tags & tags)
        others = [sample for sample in SAMPLES if sample not in known]
        if known and others:
            yield ProjectSamples(project.pk, known, others[-1])


def read_sample(name: str) -> bytes | None:
    """Return the photo's bytes; None when no sample has that name."""
    is_known = any(sample.name == name for sample in SAMPLES)
    return Path(settings.BASE_DIR, "static", "samples", f"{name}.jpg").read_bytes() if is_known else None


def _tags(project: Project) -> set[str]:
    """Return the names of the tags that answer, as they are compared."""
    iteration = project.live_iteration
    names = [label.name for label in columns_of(iteration)] if iteration else []
    return {same_name(name) for name in names or project.tags.values_list("name", flat=True)}
