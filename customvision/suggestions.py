"""What an iteration says of images that have no tag yet.

Vectors come from the database, where uploads have them put; the few that are missing are computed meanwhile.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from catalog.embedding import read_vectors
from classifier.backends.base import TagProbability
from classifier.backends.local import load
from customvision.errors import ApiError, not_found
from engine.heads import Floats
from engine.uncertainty import uncertainty
from training.labels import labels_of
from training.models import Image, ImageQuerySet, Iteration
from training.vectors import embed_now

MOST_IMAGES = 20_000
"""Untagged images that are looked at, the newest: reading their vectors takes seconds."""
_EMBEDDED_NOW = 64
_ROWS_AT_ONCE = 1_000
_DIGITS = 6
"""Of the uncertainty by which images are ranked: the rest depends on which others were computed at once."""


@dataclass(frozen=True)
class Suggestion:
    """What the iteration says of one image."""

    image: Image
    predictions: tuple[TagProbability, ...]
    """Every tag, the most probable first."""
    uncertainty: float
    """0 to 1, as engine.uncertainty has it."""


class Suggester:
    """Asks one iteration, trained here. Raises what `load` does, and ApiError for an iteration that is elsewhere."""

    def __init__(self, iteration: Iteration) -> None:
        if not iteration.head_key:
            sentence = f"{iteration.name} was not trained here: it suggests nothing."
            raise ApiError("BadRequestNotSupported", sentence)
        self._iteration = iteration
        self._backbone, self._head = load(iteration)
        self.labels = labels_of(iteration)
        self.columns = {self.labels[name].uid: column for column, name in enumerate(self._head.tags)}
        """Of the head, by the tag's uid."""

    def suggest(self, images: Sequence[Image]) -> list[Suggestion]:
        """Return what is said of these images, in their order, without those that have no vector."""
        known, probabilities = self._probabilities([image.picture_id for image in images])
        answered = [image for image, is_known in zip(images, known, strict=True) if is_known]
        uncertainties = self._uncertainty(probabilities)
        return [
            Suggestion(image, self._ranked(row), float(value))
            for image, row, value in zip(answered, probabilities, uncertainties, strict=True)
        ]

    def embed(self, images: ImageQuerySet) -> None:
        """Compute a few of the vectors that these images lack."""
        embed_now(images, backbone=self._backbone, most=_EMBEDDED_NOW)

    def ranked(self, images: ImageQuerySet, tags: Sequence[UUID], *, threshold: float) -> list[tuple[float, int]]:
        """Return uncertainty and key of the images that have one of the tags at least so probably, the surest first."""
        pairs: list[tuple[float, int]] = []
        for keys, probabilities in self._scan(images):
            fits = (probabilities[:, self._chosen(tags)] >= threshold).any(axis=1)
            values = self._uncertainty(probabilities).round(_DIGITS)
            pairs += [(float(values[row]), keys[row]) for row in np.flatnonzero(fits)]
        return sorted(pairs)

    def counts(self, images: ImageQuerySet, tags: Sequence[UUID], *, threshold: float) -> dict[UUID, int]:
        """Return for each tag how many of the images have it at least so probably."""
        counts = dict.fromkeys(tags, 0)
        known = [tag for tag in tags if tag in self.columns]
        for _keys, probabilities in self._scan(images):
            fits = (probabilities[:, self._chosen(known)] >= threshold).sum(axis=0)
            for tag, count in zip(known, fits, strict=True):
                counts[tag] += int(count)
        return counts

    def tags(self, asked: Sequence[UUID] | None) -> list[UUID]:
        """Return the tags that are asked for, or, where none is, all that the iteration knows. Raises ApiError."""
        missing = set(asked or ()) - self.columns.keys()
        if missing - set(self._iteration.project.tags.filter(uid__in=missing).values_list("uid", flat=True)):
            raise not_found("Tag")
        return list(dict.fromkeys(asked)) if asked else list(self.columns)

    def _scan(self, images: ImageQuerySet) -> Iterator[tuple[list[int], Floats]]:
        """Yield keys and probabilities of the images that have a vector, some at a time."""
        rows = list(images.newest_first().values_list("pk", "picture_id")[:MOST_IMAGES])
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            some = rows[start : start + _ROWS_AT_ONCE]
            known, probabilities = self._probabilities([picture for _pk, picture in some])
            yield [pk for (pk, _picture), is_known in zip(some, known, strict=True) if is_known], probabilities

    def _probabilities(self, pictures: Sequence[int]) -> tuple[NDArray[np.bool_], Floats]:
        """Return which of the pictures have a vector, and the probabilities of those."""
        card = self._backbone.card
        vectors, known = read_vectors(pictures, backbone=card.name, length=card.vector_length)
        return known, self._head.probabilities(vectors[known])

    def _uncertainty(self, probabilities: Floats) -> NDArray[np.float64]:
        return uncertainty(probabilities, multilabel=self._head.multilabel)

    def _ranked(self, row: Floats) -> tuple[TagProbability, ...]:
        return tuple(TagProbability(self._head.tags[i], float(row[i])) for i in (-row).argsort())

    def _chosen(self, tags: Sequence[UUID]) -> list[int]:
        return [self.columns[tag] for tag in tags if tag in self.columns]
