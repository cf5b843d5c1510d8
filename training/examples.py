"""A project's images as arrays: what a training learns from."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import compress, groupby
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from django.contrib.postgres.aggregates import StringAgg
from django.db import transaction
from django.db.models import Count, Q, QuerySet, TextField, Value
from django.db.models.functions import Concat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engine import backbones, splitting
from engine.backbones import Card
from engine.heads import Floats
from engine.metrics import Flags, Indices
from engine.shipped import examples_of
from engine.splitting import Part, Parts
from training.exceptions import Refused, TooLittleData
from training.models import Image, ImageTag, Project, Tag
from training.names import same_name
from training.vectors import read_vectors

LEAST_TAGS = 2
LEAST_IMAGES = 5
"""Of each tag, as in Custom Vision."""
LEAST_LEARNED = 2
"""Of those, images that are not held out."""
_TO_LEARN_FROM = Count("pk", filter=~Q(image__part=Part.HELD_OUT.value))
_ROWS_AT_ONCE = 5_000
_PAIR_ORDER = ("image__picture__sha256", "tag_id")


class Example(NamedTuple):
    """An image to learn from or to measure on, or the vector of one that comes with the backbone."""

    image_id: int
    """0: it comes with the backbone."""
    picture_id: int
    """0: it comes with the backbone."""
    sha256: str
    original_sha256: str
    part: int
    source: str
    created_at: datetime | None
    """None: it comes with the backbone."""
    tag_ids: tuple[int, ...]
    """In the order of the keys."""

    @property
    def is_shipped(self) -> bool:
        return self.image_id == 0


@dataclass(frozen=True, eq=False)
class Dataset:
    """The n usable, tagged images of a project and examples that come with its backbone, by rising sha256."""

    card: Card
    """Of the backbone whose vectors are read, whatever domain the project has got since."""
    multilabel: bool
    """Whether an image has any number of tags, whatever type the project has got since."""
    tags: tuple[Tag, ...]
    """The columns: in alphabetical order; a negative tag is one of them, except in Multilabel projects."""
    chosen: tuple[Tag, ...]
    """The columns, and the negative tag where it is none."""
    examples: tuple[Example, ...]
    """The rows."""
    truths: Flags
    """(n, tags). In a Multilabel project the row of a negative image has no tag."""
    parts: Parts
    """(n,): as decided until now."""
    was_seen: Flags
    """(n,), whether the project's backbone was fine-tuned on the picture."""
    corrections: Flags
    """(n,), whether it is a correction of a wrong prediction."""
    is_new: Flags
    """(n,), whether it came after the last training; what comes with the backbone gives way to images like new ones."""

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def may_hold_out(self) -> Flags:
        """(n,), whether the picture may measure anything."""
        return ~(self.was_seen | self.corrections)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(tag.name for tag in self.tags)

    @property
    def is_shipped(self) -> Flags:
        """(n,), whether it comes with the backbone."""
        return np.array([example.is_shipped for example in self.examples], dtype=np.bool_)

    @property
    def sha256s(self) -> tuple[str, ...]:
        return tuple(example.sha256 for example in self.examples)

    def with_parts(self, parts: Parts) -> Dataset:
        return replace(self, parts=parts)

    def only(self, chosen: Flags) -> Dataset:
        """Return the dataset of these rows alone; chosen: (n,)."""
        return replace(
            self,
            examples=tuple(compress(self.examples, chosen)),
            truths=self.truths[chosen],
            parts=self.parts[chosen],
            was_seen=self.was_seen[chosen],
            corrections=self.corrections[chosen],
            is_new=self.is_new[chosen],
        )

    def fingerprint(self, *, seed: int) -> str:
        """Return what the function of that name will tell of the project as long as nothing is changed."""
        rows = [pair for pair in zip(self.examples, self.parts, strict=True) if not pair[0].is_shipped]
        lines = (f"{example.sha256} {tag_id} {part}" for example, part in rows for tag_id in example.tag_ids)
        return _digest(self.chosen, "\n".join(lines), card=self.card, multilabel=self.multilabel, seed=seed)


def load(project: Project, *, only: Sequence[str] = ()) -> Dataset:
    """Read what the project would learn from now; `only` names the tags where they are not all. Raises Refused.

    Domain and type are those of the object, not of the row, which somebody may change while a job prepares the images.
    """
    chosen = chosen_tags(project, only)
    columns = [tag for tag in chosen if not (project.is_multilabel and tag.is_negative)]
    examples = read_examples(chosen)
    if not project.is_multilabel:  # its row may be so by now, and its images may have got a second tag
        examples = tuple(each for each in examples if len(each.tag_ids) == 1)
    card = backbones.for_domain(project.domain)
    examples = tuple(sorted((*examples, *_shipped_examples(card, chosen, beside=examples)), key=attrgetter("sha256")))
    _check_counts(chosen, Counter(tag_id for example in examples for tag_id in example.tag_ids))
    last = project.iterations.completed().first()
    was_seen = np.array([backbones.was_seen(card, each.original_sha256) for each in examples], dtype=np.bool_)
    corrections = np.array([each.source == Image.Source.CORRECTION for each in examples], dtype=np.bool_)
    return Dataset(
        card=card,
        multilabel=project.is_multilabel,
        tags=tuple(columns),
        chosen=tuple(chosen),
        examples=examples,
        truths=truths_of(examples, columns),
        parts=np.array([each.part for each in examples], dtype=np.int8),
        was_seen=was_seen,
        corrections=corrections,
        is_new=np.array(
            [last is None or each.created_at is None or each.created_at > last.created_at for each in examples],
            dtype=np.bool_,
        ),
    )


def check(project: Project, *, only: Sequence[str] = ()) -> list[Tag]:
    """Return the tags that a training would be on; raise Refused unless each has enough images."""
    chosen = chosen_tags(project, only)
    shipped = examples_of(backbones.for_domain(project.domain))
    images = Counter({tag.pk: tag.images_elsewhere + shipped.counts[tag.shipped_label] for tag in chosen})
    learned = Counter({tag.pk: tag.images_elsewhere + shipped.learned_counts[tag.shipped_label] for tag in chosen})
    counted = _usable_pairs(chosen).values("tag_id").annotate(images=Count("pk"), learned=_TO_LEARN_FROM)
    for tag, *counts in counted.values_list("tag_id", "images", "learned"):
        images[tag] += counts[0]
        learned[tag] += counts[1]
    _check_counts(chosen, images)
    if held_out := [tag.name for tag in chosen if learned[tag.pk] < LEAST_LEARNED]:
        raise TooLittleData(
            _("Nearly all images are held out, and too few are left to learn from: %(tags)s."), names=held_out
        )
    return chosen


def shipped_counts(project: Project) -> dict[int, int]:
    """Return how many examples come with the backbone for each tag that has a label of such, by the tag's key.

    None where the project's domain has a backbone that they were not made by.
    """
    counts = examples_of(backbones.for_domain(project.domain)).counts
    labelled = project.tags.exclude(shipped_label="").values_list("pk", "shipped_label")
    return {pk: counts[label] for pk, label in labelled}


def fingerprint(project: Project, tags: Sequence[Tag], *, seed: int) -> str:
    """Return 64 hexadecimal digits that are equal when a training on these tags of the project would give the same.

    Computed where the rows are: a second for 100,000 images.
    """
    line = Concat("image__picture__sha256", Value(" "), "tag_id", Value(" "), "image__part", output_field=TextField())
    lines = _usable_pairs(tags).aggregate(lines=StringAgg(line, delimiter="\n", order_by=_PAIR_ORDER))["lines"]
    card = backbones.for_domain(project.domain)
    return _digest(tags, lines or "", card=card, multilabel=project.is_multilabel, seed=seed)


def decide_parts(dataset: Dataset, groups: Indices) -> Parts:
    """Decide and store, once for each image, on which side of the split it is; return (n,) all sides.

    groups: (n,), equal for near-duplicates.
    """
    asked = dataset.parts.copy()
    # Somebody may have asked to hold a picture out that the backbone knows: it would flatter.
    asked[(asked == Part.HELD_OUT) & dataset.was_seen] = Part.TRAINING
    parts = splitting.split(
        asked,
        sha256s=dataset.sha256s,
        truths=dataset.truths,
        groups=groups,
        may_hold_out=dataset.may_hold_out,
        is_new=dataset.is_new,
        salt=f"project {dataset.tags[0].project_id}",
    )
    changed = np.flatnonzero((parts != dataset.parts) & ~dataset.is_shipped)
    with transaction.atomic():
        for part in Part:
            ids = [dataset.examples[row].image_id for row in changed if parts[row] == part]
            for start in range(0, len(ids), _ROWS_AT_ONCE):
                Image.objects.filter(pk__in=ids[start : start + _ROWS_AT_ONCE]).update(part=part.value)
    return parts


def with_vectors(dataset: Dataset) -> tuple[Dataset, Floats]:
    """Return the dataset less the images that were added or deleted since it was read, and (n, vector length)."""
    pictures = [example.picture_id for example in dataset.examples]
    vectors, has_vector = read_vectors(dataset.card, pictures, dataset.sha256s)
    return (dataset, vectors) if has_vector.all() else (dataset.only(has_vector), vectors[has_vector])


def _usable_pairs(tags: Sequence[Tag]) -> QuerySet[ImageTag]:
    return ImageTag.objects.filter(tag__in=tags, image__quarantine="")


def _digest(tags: Sequence[Tag], lines: str, *, card: Card, multilabel: bool, seed: int) -> str:
    about = [card.sha256, Project.Type.MULTILABEL if multilabel else Project.Type.MULTICLASS, seed]
    about += [[tag.pk, tag.name, tag.type, *filter(None, [tag.images_elsewhere])] for tag in tags]
    shipped = examples_of(card)
    about += [[tag.pk, tag.shipped_label, shipped.sha256] for tag in tags if shipped.counts[tag.shipped_label]]
    return hashlib.sha256(f"{json.dumps(about)}\n{lines}".encode()).hexdigest()


def read_examples(tags: Sequence[Tag]) -> tuple[Example, ...]:
    """Return the usable images with these tags, in the order of their sha256."""
    facts = ("picture_id", "picture__sha256", "original_sha256", "part", "source", "created_at")
    columns = ("image_id", *(f"image__{fact}" for fact in facts), "tag_id")
    pairs = _usable_pairs(tags).order_by(*_PAIR_ORDER).values_list(*columns)
    by_image = groupby(pairs, key=lambda pair: pair[:-1])
    return tuple(Example._make((*image, tuple(pair[-1] for pair in some))) for image, some in by_image)


def _shipped_examples(card: Card, tags: Sequence[Tag], *, beside: Sequence[Example]) -> Iterator[Example]:
    """Yield what comes with the backbone for these tags, less what is there as an image, whose tag is believed."""
    shipped = examples_of(card)
    there = {sha256 for image in beside for sha256 in (image.sha256, image.original_sha256)}
    tag_ids = {tag.shipped_label: tag.pk for tag in tags}
    for sha256, column, is_held_out in zip(shipped.sha256s, shipped.columns, shipped.held_out, strict=True):
        tag_id = tag_ids.get(shipped.labels[column])
        if tag_id is not None and sha256 not in there:
            part = Part.HELD_OUT if is_held_out else Part.TRAINING
            yield Example(0, 0, sha256, sha256, part, "", None, (tag_id,))


def truths_of(examples: Sequence[Example], columns: Sequence[Tag]) -> Flags:
    """Return (examples, columns), True where the image has the tag."""
    place = {tag.pk: column for column, tag in enumerate(columns)}
    truths = np.zeros((len(examples), len(columns)), dtype=np.bool_)
    for row, example in enumerate(examples):
        truths[row, [place[tag_id] for tag_id in example.tag_ids if tag_id in place]] = True
    return truths


def chosen_tags(project: Project, only: Sequence[str]) -> list[Tag]:
    tags = list(project.tags.order_by("name"))
    if not only:
        return tags
    wanted = {same_name(name) for name in only}
    if unknown := wanted - {same_name(tag.name) for tag in tags}:
        raise Refused(_("There is no tag %(names)s in this project.") % {"names": ", ".join(sorted(unknown))})
    return [tag for tag in tags if same_name(tag.name) in wanted]


def _check_counts(tags: Sequence[Tag], counts: Counter[int]) -> None:
    """Raise TooLittleData unless there are two tags with five images each, a negative one included."""
    if len(tags) < LEAST_TAGS:
        raise TooLittleData(
            ngettext(
                "The project has %(found)s tag; at least %(limit)s are needed.",
                "The project has %(found)s tags; at least %(limit)s are needed.",
                len(tags),
            )
            % {"found": len(tags), "limit": LEAST_TAGS}
        )
    short = [f"{tag.name} ({counts[tag.pk]})" for tag in tags if counts[tag.pk] < LEAST_IMAGES]
    if short:
        sentence = _("Each tag needs at least %(limit)s usable images; too few have: %(tags)s.")
        raise TooLittleData(sentence % {"limit": LEAST_IMAGES, "tags": "%(tags)s"}, names=short)
