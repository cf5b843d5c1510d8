"""Answers to pictures, as programs see them."""

from uuid import UUID

from classifier.backends.base import TagProbability
from customvision.fields import Shape, single
from customvision.labels import Label


class PredictionOut(Shape):
    probability: float
    tag_id: UUID
    tag_name: str
    tag_type: str

    @classmethod
    def of(cls, given: TagProbability, label: Label) -> "PredictionOut":
        return cls(probability=single(given.probability), tag_id=label.uid, tag_name=label.name, tag_type=label.type)


class ImagePrediction(Shape):
    id: UUID
    project: UUID
    iteration: UUID
    created: str
    predictions: list[PredictionOut]
