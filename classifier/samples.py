"""Photos that come with Classifr, to try it with."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

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


class Samples(NamedTuple):
    """What may be tried with a project."""

    known: tuple[Sample, ...]
    """Photos of which it has a tag."""
    trap: Sample
    """A photo of which it has none."""


def samples_for(tags: Iterable[str]) -> Samples | None:
    """Return the samples for a project of those tags; None if it can recognise none, or all."""
    names = set(map(same_name, tags))
    known = tuple(sample for sample in SAMPLES if sample.tags & names)
    others = [sample for sample in SAMPLES if sample not in known]
    return Samples(known, others[-1]) if known and others else None


def read_sample(name: str) -> bytes | None:
    """Return the photo's bytes; None when no sample has that name."""
    is_known = any(sample.name == name for sample in SAMPLES)
    return Path(settings.BASE_DIR, "static", "samples", f"{name}.jpg").read_bytes() if is_known else None
