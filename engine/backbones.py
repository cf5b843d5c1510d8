"""Frozen networks that turn a picture into a vector, each an ONNX file with a card beside it."""

import hashlib
import json
import os
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as errors
from PIL import Image

from engine import images
from engine.exceptions import ModelFileError

MODELS = Path(__file__).parent / "models"
_AT_ONCE = 16
"""Pictures per run: more is no faster on a CPU and costs about 20 MB each."""
_SEEN_DIGITS = 16
_CANNOT_LOAD = (
    errors.Fail,
    errors.InvalidArgument,
    errors.InvalidGraph,
    errors.InvalidProtobuf,
    errors.NoModel,
    errors.NotFound,
    errors.NotImplemented,
    errors.RuntimeException,
)
"""What onnxruntime raises for a file that it cannot load; Exception is all that they have in common."""


@dataclass(frozen=True)
class Card:
    """What one must know to use a backbone; the fields of its `.card.json`."""

    name: str
    domains: tuple[str, ...]
    """The project domains whose new trainings take it; none: it is there for what was trained on it."""
    file: str
    """The ONNX file, in the folder of the card."""
    sha256: str
    """Of the ONNX file: 64 hexadecimal digits; says which vectors may be compared."""
    resize: int
    """Pixels that the picture's shorter side gets before the crop; crop / resize must be a binary fraction that ends,
    such as 1 or 7/8: else the square, and a larger one around it, are rounded differently."""
    crop: int
    """Side in pixels of the square taken from the middle, which the network sees."""
    scale: float
    """The network takes RGB value (0 to 255) × scale + offset."""
    offset: float
    vector_length: int
    input: str
    """Name of the network's input, float32 (n, 3, crop, crop)."""
    output: str
    """Name of the network's output, float32 (n, vector_length)."""
    seen: str | None
    """File listing the photographs that it was fine-tuned on, where that is known; None where it is not."""
    licence: str
    source: str
    examples: str | None = None
    """File of labelled vectors that come with it, for projects that begin with its labels; None: there are none."""


class Backbone:
    """One network, loaded at the first vector asked of it. Safe to use from several threads and after a fork."""

    def __init__(self, card: Card, *, threads: int = 1, folder: Path = MODELS) -> None:
        self.card = card
        self._threads = threads
        self._folder = folder
        self._lock = threading.Lock()
        # By process id. A session inherited over a fork is useless, its threads are gone; and closing it would wait
        # for them for ever: so it stays here, unused.
        self._sessions: dict[int, onnxruntime.InferenceSession] = {}

    def prepare(self, image: Image.Image) -> NDArray[np.float32]:
        """Return the middle of an RGB picture as the network wants it: (3, crop, crop)."""
        square = images.middle(image, resize=self.card.resize, crop=self.card.crop)
        prepared = np.empty((3, self.card.crop, self.card.crop), dtype=np.float32)
        np.multiply(np.asarray(square).transpose(2, 0, 1), np.float32(self.card.scale), out=prepared)
        prepared += np.float32(self.card.offset)
        return prepared

    def embed(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the vectors of prepared pictures: (n, 3, crop, crop) to (n, vector_length), as the network gives them.

        Not normalised: heads do that themselves. Any n; raises ModelFileError when the file cannot be used.
        """
        session = self._session()
        vectors = [
            session.run([self.card.output], {self.card.input: batch[start : start + _AT_ONCE]})[0]
            for start in range(0, len(batch), _AT_ONCE)
        ]
        if not vectors:
            return np.empty((0, self.card.vector_length), dtype=np.float32)
        return np.concatenate(vectors)

    def vector(self, picture: images.AdmittedPicture) -> NDArray[np.float32]:
        """Return the vector of a picture, (vector_length,); raise RefusedPicture as `images.decode` does."""
        image = images.decode(picture, shorter_side=self.card.resize)
        vector: NDArray[np.float32] = self.embed(self.prepare(image)[None])[0]
        return vector

    def content(self) -> bytes:
        """Return the ONNX file; raise ModelFileError when it is not the one that the card describes."""
        return _verified(self.card, self._folder)

    def _session(self) -> onnxruntime.InferenceSession:
        with self._lock:
            session = self._sessions.get(os.getpid())
            if session is None:
                session = open_session(self.content(), threads=self._threads)
                self._sessions[os.getpid()] = session
        return session


@lru_cache
def cards(folder: Path = MODELS) -> dict[str, Card]:
    """Return the cards of a folder by backbone name; raise ModelFileError for one that cannot be read."""
    known = [_read_card(path) for path in sorted(folder.glob("*.card.json"))]
    return {card.name: card for card in known}


def for_domain(domain: str) -> Card:
    """Return the card of the backbone that a project domain's new trainings take; raise ModelFileError without one."""
    for card in cards().values():
        if domain in card.domains:
            return card
    raise ModelFileError(f"No backbone serves the domain {domain!r}.")


@lru_cache
def get(name: str, *, threads: int = 1) -> Backbone:
    """Return this process's backbone of that name; raise ModelFileError when there is none."""
    card = cards().get(name)
    if card is None:
        raise ModelFileError(f"There is no backbone {name!r}; there are {', '.join(cards())}.")
    return Backbone(card, threads=threads)


@lru_cache
def seen(card: Card, *, folder: Path = MODELS) -> frozenset[str]:
    """Return the first 16 hexadecimal digits of the sha256 of every photograph that the backbone was fine-tuned on.

    Such a photograph flatters whatever is measured on it. Empty when the card names no list. About 2 MB for Food.
    """
    if card.seen is None:
        return frozenset()
    try:
        return frozenset((folder / card.seen).read_text(encoding="ascii").split())
    except (OSError, ValueError) as error:
        raise ModelFileError(f"The list {card.seen} of backbone {card.name} cannot be read.") from error


def was_seen(card: Card, sha256: str) -> bool:
    """Tell whether the backbone was fine-tuned on the photograph whose bytes have this sha256."""
    return sha256[:_SEEN_DIGITS].lower() in seen(card)


def _read_card(path: Path) -> Card:
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return Card(**{**fields, "domains": tuple(fields["domains"])})
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ModelFileError(f"The backbone card {path.name} cannot be read: {error}") from error


def _verified(card: Card, folder: Path) -> bytes:
    try:
        content = (folder / card.file).read_bytes()
    except OSError as error:
        raise ModelFileError(f"The backbone file {card.file} cannot be read.") from error
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != card.sha256:
        raise ModelFileError(f"The backbone file {card.file} has sha256 {sha256}, its card says {card.sha256}.")
    return content


def open_session(content: bytes, *, threads: int) -> onnxruntime.InferenceSession:
    """Load an ONNX file on the CPU; raise ModelFileError when onnxruntime cannot."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # Waiting threads sleep: web workers share the machine's cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except _CANNOT_LOAD as error:
        raise ModelFileError(f"onnxruntime cannot load the model: {error}") from error
