"""The tags that an iteration knows, with the ids by which programs know them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID, uuid5

from training.models import Iteration, Tag
from training.snapshots import Snapshot


class Label(NamedTuple):
    """A tag as it was when the iteration was trained."""

    uid: UUID
    name: str
    type: str

    @classmethod
    def of(cls, tag: Tag) -> Label:
        return cls(tag.uid, tag.name, tag.type)


class Labels(dict[str, Label]):
    """Labels by name; a name that no tag has any more gets an id that is always the same."""

    def __init__(self, known: Mapping[str, Label], iteration: Iteration) -> None:
        super().__init__(known)
        self._iteration = iteration

    def __missing__(self, name: str) -> Label:
        return Label(uuid5(self._iteration.uid, name), name, Tag.Type.REGULAR)


def dump_labels(labels: Iterable[Label]) -> list[list[str]]:
    """Return labels as `Iteration.labels` keeps them."""
    return [[str(label.uid), label.name, label.type] for label in labels]


def columns_of(iteration: Iteration) -> tuple[Label, ...]:
    """Return the labels of the head's columns; nothing where they were not written down."""
    return tuple(Label(UUID(uid), name, type_) for uid, name, type_ in iteration.labels)


def labels_of(iteration: Iteration) -> Labels:
    """Return the iteration's labels: as it was trained, or, where that was not written down, the project's tags now."""
    labels = columns_of(iteration) or map(Label.of, iteration.project.tags.all())
    return Labels({label.name: label for label in labels}, iteration)


def labels_measured(iteration: Iteration, snapshot: Snapshot | None) -> Labels:
    """Return the labels of an iteration that was measured.

    Where they were not written down, its tags are found by their keys in the snapshot: names may have changed since.
    """
    if iteration.labels or snapshot is None:
        return labels_of(iteration)
    tags = Tag.objects.in_bulk(snapshot.tag_ids)
    known = zip(snapshot.tag_ids, snapshot.tags, strict=True)
    labels = [Label(tags[pk].uid, name, tags[pk].type) for pk, name in known if pk in tags]
    return Labels({label.name: label for label in labels}, iteration)
