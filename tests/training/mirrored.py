"""A trainer whose projects are mirrored, by a mirror that only notes what it is asked for."""

from collections.abc import Callable
from typing import Any

from training.backends.local import LocalTrainer
from training.models import Iteration


class NotingMirror:
    """Notes the name of each act."""

    def __init__(self) -> None:
        self.acts: list[str] = []

    def __getattr__(self, act: str) -> Callable[..., None]:
        return lambda *args, **options: self.acts.append(act)


class MirroredTrainer(LocalTrainer):
    def __init__(self) -> None:
        self.mirror: Any = NotingMirror()

    def check_fit_to_answer(self, iteration: Iteration) -> None:
        self.mirror.acts.append("check")
