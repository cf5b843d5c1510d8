"""What Azure's training service answers, read into what we need of it.

The readers raise AttributeError, TypeError or ValueError for what is none of its answers.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from engine.metrics import Score
from training.backends.base import Domain
from training.figures import Performance, TagPerformance

COMPLETED = "Completed"
FAILED = "Failed"


@dataclass(frozen=True)
class RemoteTag:
    """A tag as Azure has it."""

    id: UUID
    name: str
    type: str
    """Regular or Negative; GeneralProduct only in object detection."""
    description: str
    images: int


@dataclass(frozen=True)
class RemoteIteration:
    """An iteration as Azure has it."""

    id: UUID
    name: str
    status: str
    """COMPLETED, FAILED, or one of several words for being under way."""
    publish_name: str
    training_type: str
    trained_at: datetime | None
    error: str
    """What Azure says of a failure; often nothing."""

    @property
    def is_over(self) -> bool:
        return self.status in {COMPLETED, FAILED}


class Received(NamedTuple):
    """What became of a picture, as Azure says it."""

    status: str
    image_id: UUID | None


def read_id(answer: Any) -> UUID:
    return UUID(answer.id)


def read_domains(answer: Any) -> tuple[Domain, ...]:
    return tuple(Domain(str(each.id), str(each.name)) for each in answer if each.type == "Classification")


def read_tag(answer: Any) -> RemoteTag:
    return RemoteTag(
        UUID(answer.id), _text(answer.name), answer.type or "Regular", answer.description or "", answer.image_count or 0
    )


def read_received(answer: Any) -> dict[str, Received]:
    """Return what became of each picture, by the name that it was sent under: Azure answers in any order."""
    return {
        str(each.source_url): Received(str(each.status), UUID(each.image.id) if each.image else None)
        for each in answer.images
    }


def read_probabilities(answer: Any) -> dict[UUID, float]:
    return {UUID(each.tag_id): float(each.probability) for each in answer.predictions}


def read_iteration(answer: Any) -> RemoteIteration:
    return RemoteIteration(
        id=UUID(answer.id),
        name=_text(answer.name),
        status=_text(answer.status),
        publish_name=answer.publish_name or "",
        training_type=answer.training_type or "Regular",
        trained_at=answer.trained_at,
        error=answer.training_error_details or "",
    )


def read_performance(answer: Any, *, threshold: float) -> Performance:
    """Read figures; None: Azure did not measure."""
    if answer is None:
        return Performance(threshold, Score(None, None, None), ())
    tags = sorted(answer.per_tag_performance, key=lambda each: str(each.name).lower())
    per_tag = tuple(TagPerformance(_text(each.name), _score(each), pictures=None) for each in tags)
    return Performance(threshold, _score(answer), per_tag)


def _score(answer: Any) -> Score:
    return Score(answer.precision, answer.recall, answer.average_precision)


def _text(value: Any) -> str:
    """Return what has to be a text that is not empty, or raise ValueError."""
    if not value or not isinstance(value, str):
        raise ValueError("There is no text where one should be.")
    return value
