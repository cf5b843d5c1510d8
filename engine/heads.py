"""Linear heads: what is learned from a project's pictures, on top of a frozen backbone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine import tensorfiles
from engine.backbones import Card
from engine.exceptions import ModelFileError

FORMAT_VERSION = 2
_READABLE = (1, FORMAT_VERSION)
"""Version 1 knew no multilabel heads."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Head:
    """A logistic regression on normalised vectors, with a temperature that makes it honest.

    Multinomial, or, when `multilabel`, one for each tag against all the rest.
    """

    tags: tuple[str, ...]
    """In the order of the columns; no two equal."""
    backbone: str
    """Name of the backbone whose vectors it understands."""
    backbone_sha256: str
    """Of that backbone's file: 64 hexadecimal digits."""
    weights: Floats
    """(vector_length, tags)."""
    bias: Floats
    """(tags,)."""
    temperature: float
    """Divides the logits; above 1 it lowers confidence. Never changes which tag is first."""
    multilabel: bool = False
    """Whether a picture may have none, one or several of the tags."""

    def logits(self, vectors: Floats) -> Floats:
        """Return (n, tags) scores before temperature and softmax, from vectors (n, vector_length) of any length."""
        return linear(vectors, self.weights, self.bias)

    def probabilities(self, vectors: Floats) -> Floats:
        """Return (n, tags), 0 to 1, from a backbone's vectors (n, vector_length).

        Each row sums to 1 within 1e-4, unless the head is `multilabel`.
        """
        squash = sigmoid if self.multilabel else softmax
        return squash(self.logits(vectors), temperature=self.temperature).astype(np.float32)


def normalised(vectors: Floats) -> Floats:
    """Return the vectors scaled to length 1; a vector of zeros stays so."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Floats = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled


def linear(vectors: Floats, weights: Floats, bias: Floats) -> Floats:
    """Return the logits (n, tags) of vectors (n, vector_length), normalised here; weights (vector_length, tags)."""
    logits: Floats = normalised(vectors) @ weights + bias
    return logits


def softmax(logits: NDArray[np.floating], *, temperature: float) -> NDArray[np.float64]:
    """Return exp(logits / temperature) over its sum, row by row, (n, tags); Guo et al. 2017, equation 9."""
    scaled = logits.astype(np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares


def sigmoid(logits: NDArray[np.floating], *, temperature: float) -> NDArray[np.float64]:
    """Return 1 / (1 + exp(-logits / temperature)), each element for itself, (n, tags)."""
    # exp(-log(1 + exp(-z))) overflows nowhere.
    shares: NDArray[np.float64] = np.exp(-np.logaddexp(0, -logits.astype(np.float64) / temperature))
    return shares


def check_backbone(head: Head, card: Card) -> None:
    """Raise ModelFileError when the head was fitted on the vectors of another backbone than the card's."""
    if (head.backbone, head.backbone_sha256) != (card.name, card.sha256):
        raise ModelFileError(
            f"The head was fitted on backbone {head.backbone} ({head.backbone_sha256[:12]}), "
            f"not on {card.name} ({card.sha256[:12]})."
        )


def dumps(head: Head) -> bytes:
    """Return the head as a safetensors file; the same head gives the same bytes."""
    about = {
        "format_version": FORMAT_VERSION,
        "backbone": head.backbone,
        "backbone_sha256": head.backbone_sha256,
        "tags": head.tags,
        "temperature": head.temperature,
        "multilabel": head.multilabel,
    }
    return tensorfiles.dumps({"weights": head.weights, "bias": head.bias}, name="head", about=about)


def loads(content: bytes) -> Head:
    """Read what `dumps` wrote; raise ModelFileError for anything else."""
    try:
        head = _read(content)
    except tensorfiles.UNREADABLE as error:
        raise ModelFileError(f"The head file cannot be read: {error}") from error
    _check(head)
    return head


def _read(content: bytes) -> Head:
    arrays, about = tensorfiles.loads(content, name="head")
    if about["format_version"] not in _READABLE:
        raise ModelFileError(
            f"The head file has format version {about['format_version']}, this program reads up to {FORMAT_VERSION}."
        )
    return Head(
        tags=tuple(str(tag) for tag in about["tags"]),
        backbone=str(about["backbone"]),
        backbone_sha256=str(about["backbone_sha256"]),
        weights=arrays["weights"],
        bias=arrays["bias"],
        temperature=float(about["temperature"]),
        multilabel=bool(about.get("multilabel", False)),
    )


def _check(head: Head) -> None:
    count = len(head.tags)
    shaped = head.weights.ndim == 2 and head.weights.shape[1] == count and head.bias.shape == (count,)
    typed = head.weights.dtype == np.float32 and head.bias.dtype == np.float32
    if not (shaped and typed and count):
        raise ModelFileError(
            f"The head file has weights {head.weights.shape} and bias {head.bias.shape} for {count} tags."
        )
    if len(set(head.tags)) != count:
        raise ModelFileError("The head file names a tag twice.")
    finite = np.isfinite(head.weights).all() and np.isfinite(head.bias).all() and np.isfinite(head.temperature)
    if not finite or head.temperature <= 0:
        raise ModelFileError("The head file holds numbers that are not finite, or a temperature that is not positive.")
