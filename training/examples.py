"""A project's images as arrays: what a training learns from."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from django.contrib.postgres.aggregates import StringAgg
from django.db import transaction
from django.db.models import Count, Q, QuerySet, TextField, Value
from django.db.models.functions import Concat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog import embedding
from engine import backbones, splitting
from engine.heads import Floats
from engine.metrics import Flags, Indices
from engine.splitting import Part, Parts
from training.exceptions import Refused, TooLittleData
from training.models import Image, ImageTag, Project, Tag
from training.names import same_name

LEAST_TAGS = 2
LEAST_IMAGES = 5
"""Of each tag, as in Custom Vision."""
LEAST_LEARNED = 2
"""Of those, images that are not held out."""
_TO_LEARN_FROM = Count("pk", filter=~Q(image__part=Part.HELD_OUT.value))
_ROWS_AT_ONCE = 5_000
_DELETED = (0, 0, "0" * 64, "", 0, "", datetime.max.replace(tzinfo=UTC))
"""Facts of an image that was deleted since its tags were read: it has no vector."""
_PAIR_ORDER = ("image__picture__sha256", "tag_id")


@dataclass(frozen=True, eq=False)
class Dataset:
    """The n usable, tagged images of a project, in the order of their sha256."""

    tags: tuple[Tag, ...]
    """The columns: in alphabetical order; a negative tag is one of them, except in Multilabel projects."""
    chosen: tuple[Tag, ...]
    """The columns, and the negative tag where it is none."""
    pairs: tuple[tuple[int, int], ...]
    """Row and key of the tag, in the order of the rows, then of the keys."""
    image_ids: tuple[int, ...]
    picture_ids: tuple[int, ...]
    sha256s: tuple[str, ...]
    truths: Flags
    """(n, tags). In a Multilabel project the row of a negative image has no tag."""
    parts: Parts
    """(n,): as decided until now."""
    was_seen: Flags
    """(n,), whether the project's backbone was fine-tuned on the picture."""
    may_hold_out: Flags
    """(n,), whether the picture may measure anything."""
    is_new: Flags
    """(n,), whether it came after the last training."""

    def __len__(self) -> int:
        return len(self.image_ids)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(tag.name for tag in self.tags)

    def with_parts(self, parts: Parts) -> Dataset:
        return replace(self, parts=parts)

    def only(self, chosen: Flags) -> Dataset:
        """Return the dataset of these rows alone; chosen: (n,)."""
        place = np.cumsum(chosen) - 1
        kept = np.flatnonzero(chosen)
        return replace(
            self,
            pairs=tuple((int(place[row]), tag) for row, tag in self.pairs if chosen[row]),
            image_ids=tuple(self.image_ids[row] for row in kept),
            picture_ids=tuple(self.picture_ids[row] for row in kept),
            sha256s=tuple(self.sha256s[row] for row in kept),
            truths=self.truths[chosen],
            parts=self.parts[chosen],
            was_seen=self.was_seen[chosen],
            may_hold_out=self.may_hold_out[chosen],
            is_new=self.is_new[chosen],
        )

    def fingerprint(self, *, seed: int) -> str:
        """Return what the function of that name will tell of the project as long as nothing is changed."""
        lines = (f"{self.sha256s[row]} {tag} {self.parts[row]}" for row, tag in self.pairs)
        return _digest(self.chosen, "\n".join(lines), seed=seed)


def load(project: Project, *, only: Sequence[str] = ()) -> Dataset:
    """Read what the project would learn from now; `only` names the tags where they are not all. Raises Refused."""
    chosen = chosen_tags(project, only)
    columns = [tag for tag in chosen if not (project.is_multilabel and tag.is_negative)]
    pairs = list(_usable_pairs(chosen).order_by(*_PAIR_ORDER).values_list("image_id", "tag_id"))
    _check_counts(chosen, Counter(tag for _, tag in pairs))
    rows = {pk: row for row, pk in enumerate(dict.fromkeys(pk for pk, _ in pairs))}
    column = {tag.pk: place for place, tag in enumerate(columns)}
    truths = np.zeros((len(rows), len(columns)), dtype=np.bool_)
    for image, tag in pairs:
        if tag in column:
            truths[rows[image], column[tag]] = True
    facts = _facts(rows)
    card = backbones.for_domain(project.domain)
    last = project.iterations.completed().first()
    was_seen = np.array([backbones.was_seen(card, fact[3]) for fact in facts], dtype=np.bool_)
    corrections = np.array([fact[5] == Image.Source.CORRECTION for fact in facts], dtype=np.bool_)
    return Dataset(
        tags=tuple(columns),
        chosen=tuple(chosen),
        pairs=tuple((rows[image], tag) for image, tag in pairs),
        image_ids=tuple(fact[0] for fact in facts),
        picture_ids=tuple(fact[1] for fact in facts),
        sha256s=tuple(fact[2] for fact in facts),
        truths=truths,
        parts=np.array([fact[4] for fact in facts], dtype=np.int8),
        was_seen=was_seen,
        may_hold_out=~(was_seen | corrections),
        is_new=np.array([last is None or fact[6] > last.created_at for fact in facts], dtype=np.bool_),
    )


def check(project: Project, *, only: Sequence[str] = ()) -> list[Tag]:
    """Return the tags that a training would be on; raise Refused unless each has enough images."""
    chosen = chosen_tags(project, only)
    counted = _usable_pairs(chosen).values("tag_id").annotate(images=Count("pk"), learned=_TO_LEARN_FROM)
    rows = list(counted.values_list("tag_id", "images", "learned"))
    _check_counts(chosen, Counter({tag: images for tag, images, _learned in rows}))
    learned = Counter({tag: count for tag, _images, count in rows})
    if held_out := [tag.name for tag in chosen if learned[tag.pk] < LEAST_LEARNED]:
        raise TooLittleData(
            _("Nearly all images are held out, and too few are left to learn from: %(tags)s.")
            % {"tags": ", ".join(held_out)}
        )
    return chosen


def fingerprint(tags: Sequence[Tag], *, seed: int) -> str:
    """Return 64 hexadecimal digits that are equal when a training on these tags would give the same.

    Computed where the rows are: a second for 100,000 images.
    """
    line = Concat("image__picture__sha256", Value(" "), "tag_id", Value(" "), "image__part", output_field=TextField())
    lines = _usable_pairs(tags).aggregate(lines=StringAgg(line, delimiter="\n", order_by=_PAIR_ORDER))["lines"]
    return _digest(tags, lines or "", seed=seed)


def decide_parts(dataset: Dataset, groups: Indices) -> Parts:
    """Decide and store, once for each image, on which side of the split it is; return (n,) all sides.

    groups: (n,), equal for near-duplicates.
    """
    project = dataset.tags[0].project
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
        salt=f"project {project.pk}",
    )
    changed = np.flatnonzero(parts != dataset.parts)
    with transaction.atomic():
        for part in Part:
            ids = [dataset.image_ids[row] for row in changed if parts[row] == part]
            for some in _chunks(ids):
                Image.objects.filter(pk__in=some).update(part=part.value)
    return parts


def with_vectors(dataset: Dataset) -> tuple[Dataset, Floats]:
    """Return the dataset less the images that were added or deleted since it was read, and (n, vector length)."""
    card = backbones.for_domain(dataset.tags[0].project.domain)
    vectors, has_vector = embedding.read_vectors(dataset.picture_ids, backbone=card.name, length=card.vector_length)
    return (dataset, vectors) if has_vector.all() else (dataset.only(has_vector), vectors[has_vector])


def _usable_pairs(tags: Sequence[Tag]) -> QuerySet[ImageTag]:
    return ImageTag.objects.filter(tag__in=tags, image__quarantine="")


def _digest(tags: Sequence[Tag], lines: str, *, seed: int) -> str:
    project = tags[0].project
    about = [backbones.for_domain(project.domain).sha256, project.type, seed]
    about += [[tag.pk, tag.name, tag.type] for tag in tags]
    return hashlib.sha256(f"{json.dumps(about)}\n{lines}".encode()).hexdigest()


def _facts(rows: dict[int, int]) -> list[tuple[int, int, str, str, int, str, datetime]]:
    """Return id, picture, sha256, original sha256, part, source and date of these images, in their order."""
    columns = ("pk", "picture_id", "picture__sha256", "original_sha256", "part", "source", "created_at")
    found = {}
    for some in _chunks(list(rows)):
        for fact in Image.objects.filter(pk__in=some).values_list(*columns):
            found[fact[0]] = fact
    return [found.get(pk, _DELETED) for pk in rows]


def chosen_tags(project: Project, only: Sequence[str]) -> list[Tag]:
    tags = list(project.tags.select_related("project").order_by("name"))
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
        raise TooLittleData(
            _("Each tag needs at least %(limit)s usable images; too few have: %(tags)s.")
            % {"limit": LEAST_IMAGES, "tags": ", ".join(short)}
        )


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _ROWS_AT_ONCE):
        yield ids[start : start + _ROWS_AT_ONCE]
