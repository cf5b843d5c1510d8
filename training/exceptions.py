"""What can go wrong with learning. Every message is a sentence for the developer who asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.utils.translation import ngettext

if TYPE_CHECKING:
    from training.outcome import Comparison


class TrainingError(Exception):
    """The root of this room's errors."""


class Refused(TrainingError):
    """What was asked for cannot be done as it is; the person can change it."""


class NothingChanged(Refused):
    """Training would give what the last training gave; it can be forced."""


class AlreadyTraining(Refused):
    """The project is in training; one can wait for it or cancel it."""


class TooLittleData(Refused):
    """There are too few tags, or too few images of one; more can be added.

    sentence: with a place %(tags)s where it names some.
    """

    def __init__(self, sentence: str, *, names: Sequence[str] = ()) -> None:
        super().__init__(sentence % {"tags": ", ".join(names)} if names else sentence)
        self.sentence, self.names = sentence, tuple(names)

    @property
    def short(self) -> str:
        """The same, with their number in place of the names."""
        count = len(self.names)
        return self.sentence % {"tags": ngettext("%(count)s tag", "%(count)s tags", count) % {"count": count}}


class NameTaken(Refused):
    """Another one of the project has that name."""


class CannotConvert(Refused):
    """The project or the tag keeps its type, or its domain, because of what is there already."""


class NotTrained(Refused):
    """The iteration has no result, or not yet."""


class IsPublished(Refused):
    """The iteration is published already, or still."""


class NotPublished(Refused):
    """The iteration is not published."""


class PublishNameRefused(Refused):
    """It is no publish name, or another iteration answers under it; then it can be taken over."""


class NotGoodEnough(TrainingError):
    """The iteration may be worse than the one that it would replace."""

    def __init__(self, comparison: Comparison) -> None:
        super().__init__(f"{comparison.objection()} {comparison.sentence()}")
        self.comparison = comparison


class TrainingFailed(TrainingError):
    """A training that was under way cannot be completed."""


class BackendUnavailable(TrainingError):
    """The service does not answer or is too busy; the same call may succeed later."""


class BackendMisconfigured(TrainingError):
    """The backend cannot work as it is set up; an operator has to act."""
