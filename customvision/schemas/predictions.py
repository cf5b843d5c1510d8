"""Answers to pictures, as programs see them."""

from uuid import UUID

from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from classifier.backends.base import TagProbability
from customvision.fields import Shape, single
from customvision.labels import Label


class PredictionOut(TypedDict):
    """No Shape, as there is one for each of many tags: a model takes three times as long."""

    probability: float
    tagId: UUID  # the protocol's name
    tagName: str
    tagType: str


def prediction_out(given: TagProbability, label: Label) -> PredictionOut:
    return {
        "probability": single(given.probability),
        "tagId": label.uid,
        "tagName": label.name,
        "tagType": label.type,
    }


class ImagePrediction(Shape):
    id: UUID
    project: UUID
    iteration: UUID
    created: str
    predictions: list[PredictionOut]
