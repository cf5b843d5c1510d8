"""What a prediction backend is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from engine.images import AdmittedPicture
from training.models import Iteration, Project


class TagProbability(NamedTuple):
    """How probable one tag is."""

    tag: str
    """The tag's name."""
    probability: float
    """0 to 1."""


@dataclass(frozen=True)
class Answer:
    """What a backend says of one photo."""

    predictions: tuple[TagProbability, ...]
    """Every tag, the most probable first; never empty."""
    iteration_name: str
    """Which iteration answered, as people know it."""
    iteration: Iteration | None = None
    """Its row, where the iteration is one of ours."""
    backbone: str = ""
    """Name of the backbone that made `vector`; "" without one."""
    vector: NDArray[np.float32] | None = None
    """Shape (d,), where the backend computes one."""


@runtime_checkable
class PredictionBackend(Protocol):
    """Turns a photo into probabilities. Made once in each process, used by several threads."""

    needs_head: bool
    """Whether it answers in this process, by the iteration's head: with one that was trained here, and no other."""

    def predict(
        self,
        photo: AdmittedPicture,
        *,
        project: Project,
        iteration: Iteration | None = None,
    ) -> Answer:
        """Classify one photo: JPEG, PNG, BMP or GIF.

        iteration: a completed one of the project, which answers; None: the live one.

        Raises RefusedPicture (the photo's fault), BackendUnavailable (try again later) and BackendMisconfigured (the
        operator has to act).
        """

    def quick_test(self, photo: AdmittedPicture, *, iteration: Iteration) -> Answer:
        """Ask a completed iteration, published or not, about one photo, which is stored nowhere.

        Raises what `predict` does.
        """
