"""Labelled vectors that come with a backbone: what photographs teach that may not be shipped themselves."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine import tensorfiles
from engine.backbones import MODELS, Card
from engine.exceptions import ModelFileError
from engine.heads import Floats
from engine.metrics import Flags, Indices

FORMAT_VERSION = 1
_NAME = "examples"
_LARGEST = 255


@dataclass(frozen=True, eq=False)
class ShippedExamples:
    """The vectors of n photographs, in the order of their sha256, each with one label."""

    backbone_sha256: str
    """Of the file of the backbone that made the vectors."""
    labels: tuple[str, ...]
    columns: Indices
    """(n,), index into the labels."""
    held_out: Flags
    """(n,), whether the photograph measures; else it is learned from."""
    sha256s: tuple[str, ...]
    """Of the photographs' files."""
    steps: NDArray[np.uint8]
    """(n, vector_length): the vectors, each in steps of a 255th of its largest number, as heads look at directions."""
    sha256: str = ""
    """Of the file that they were read from."""

    def __len__(self) -> int:
        return len(self.sha256s)

    @cached_property
    def counts(self) -> Counter[str]:
        """By label."""
        return self._count(np.ones(len(self), dtype=np.bool_))

    @cached_property
    def learned_counts(self) -> Counter[str]:
        """By label, less those that are held out."""
        return self._count(~self.held_out)

    def has(self, sha256s: Sequence[str]) -> Flags:
        """Return (m,), which of these photographs are among them."""
        return np.array([sha256 in self._rows for sha256 in sha256s], dtype=np.bool_)

    def vectors(self, sha256s: Sequence[str]) -> Floats:
        """Return (m, vector_length), the vectors of photographs that are among them."""
        return self.steps[[self._rows[sha256] for sha256 in sha256s]].astype(np.float32)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {sha256: row for row, sha256 in enumerate(self.sha256s)}

    def _count(self, rows: Flags) -> Counter[str]:
        numbers = np.bincount(self.columns[rows], minlength=len(self.labels))
        return Counter(dict(zip(self.labels, numbers.tolist(), strict=True)))


def in_steps(vectors: Floats) -> NDArray[np.uint8]:
    """Return vectors (n, vector_length) without negative numbers as `ShippedExamples.steps` has them."""
    if (vectors < 0).any():
        raise ValueError("Some vectors have negative numbers, which 8 bits without a sign cannot hold.")
    largest = np.maximum(vectors.max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    steps: NDArray[np.uint8] = np.rint(vectors / largest * _LARGEST).astype(np.uint8)
    return steps


def dumps(examples: ShippedExamples) -> bytes:
    """Return the examples as a safetensors file; the same examples give the same bytes."""
    about = {
        "format_version": FORMAT_VERSION,
        "backbone_sha256": examples.backbone_sha256,
        "labels": examples.labels,
    }
    arrays = {
        "columns": examples.columns.astype(np.int16),
        "held_out": examples.held_out,
        "sha256s": np.frombuffer(bytes.fromhex("".join(examples.sha256s)), dtype=np.uint8).reshape(-1, 32),
        "steps": examples.steps,
    }
    return tensorfiles.dumps(arrays, name=_NAME, about=about)


def loads(content: bytes) -> ShippedExamples:
    """Read what `dumps` wrote; raise ModelFileError for anything else."""
    try:
        arrays, about = tensorfiles.loads(content, name=_NAME)
        if about["format_version"] != FORMAT_VERSION:
            raise ModelFileError(
                f"The file of examples has format version {about['format_version']}, this program reads "
                f"{FORMAT_VERSION}."
            )
        return ShippedExamples(
            backbone_sha256=str(about["backbone_sha256"]),
            labels=tuple(str(label) for label in about["labels"]),
            columns=arrays["columns"].astype(np.intp),
            held_out=arrays["held_out"],
            sha256s=tuple(row.tobytes().hex() for row in arrays["sha256s"]),
            steps=arrays["steps"],
            sha256=hashlib.sha256(content).hexdigest(),
        )
    except tensorfiles.UNREADABLE as error:
        raise ModelFileError(f"The file of examples cannot be read: {error}") from error


@lru_cache
def examples_of(card: Card, *, folder: Path = MODELS) -> ShippedExamples:
    """Return the examples that come with the backbone, of which there may be none. About 7 MB for Food.

    Raises ModelFileError where the card names a file that cannot be read, or that has another backbone's vectors.
    """
    if card.examples is None:
        return _none(card)
    try:
        content = (folder / card.examples).read_bytes()
    except OSError as error:
        raise ModelFileError(f"The examples {card.examples} of backbone {card.name} cannot be read.") from error
    examples = loads(content)
    if examples.backbone_sha256 != card.sha256 or examples.steps.shape != (len(examples), card.vector_length):
        raise ModelFileError(f"The examples {card.examples} are of another backbone than {card.name}.")
    return examples


def _none(card: Card) -> ShippedExamples:
    nothing = np.empty(0, dtype=np.intp)
    return ShippedExamples(
        backbone_sha256=card.sha256,
        labels=(),
        columns=nothing,
        held_out=nothing.astype(np.bool_),
        sha256s=(),
        steps=np.empty((0, card.vector_length), dtype=np.uint8),
    )
