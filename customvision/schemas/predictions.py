"""Answers to pictures, as programs see them."""

from collections.abc import Iterable
from datetime import datetime
from typing import NotRequired  # pydantic wants this one before Python 3.12
from uuid import UUID

from django.http import HttpRequest
from typing_extensions import TypedDict

from classifier.backends.base import TagProbability
from customvision.domains import domain_of
from customvision.fields import Body, ListOf, Shape, Word, single, utc
from customvision.files import prediction_links
from customvision.models import StoredPrediction
from customvision.paging import PageToken
from customvision.paths import has_tag_types
from training.labels import Label, Labels
from training.models import Project


class PredictionOut(TypedDict):
    """No Shape, as there is one for each of many tags: a model takes three times as long."""

    probability: float
    tagId: UUID  # the protocol's name
    tagName: str
    tagType: NotRequired[str]
    """Not sent where the version of the API knows none."""


def prediction_out(given: TagProbability, label: Label, *, has_type: bool = True) -> PredictionOut:
    out: PredictionOut = {"probability": single(given.probability), "tagId": label.uid, "tagName": label.name}
    if has_type:
        out["tagType"] = label.type
    return out


def predictions_out(given: Iterable[TagProbability], labels: Labels, *, has_type: bool = True) -> list[PredictionOut]:
    """Return what was said of one picture, in the order in which it is given."""
    return [prediction_out(row, labels[row.tag], has_type=has_type) for row in given]


class ImagePrediction(Shape):
    id: UUID
    project: UUID
    iteration: UUID
    created: str
    predictions: list[PredictionOut]


class ImageUrl(Body):
    url: str


class PredictionQueryTag(Body):
    id: UUID
    min_threshold: float | None = None
    max_threshold: float | None = None


class PredictionQueryToken(PageToken):
    """What is asked for, and in answers also where the next page begins."""

    order_by: Word | None = None
    tags: ListOf[PredictionQueryTag] | None = None
    iteration_id: UUID | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    application: str | None = None


class StoredImagePrediction(Shape):
    resized_image_uri: str
    thumbnail_uri: str
    original_image_uri: str
    domain: UUID
    id: UUID
    project: UUID
    iteration: UUID
    created: str
    predictions: list[PredictionOut]

    @classmethod
    def of(cls, stored: StoredPrediction, project: Project, request: HttpRequest) -> "StoredImagePrediction":
        ranked = sorted(stored.predictions.items(), key=lambda item: -item[1][0])
        return cls(
            **prediction_links(request, stored, project.uid),
            domain=domain_of(project).id,
            id=stored.uid,
            project=project.uid,
            iteration=stored.iteration_uid,
            created=utc(stored.created_at),
            predictions=[
                prediction_out(
                    TagProbability(name, probability),
                    Label(UUID(uid), name, type_),
                    has_type=has_tag_types(request),
                )
                for uid, (probability, name, type_) in ranked
            ],
        )


class PredictionQueryResult(Shape):
    token: PredictionQueryToken
    results: list[StoredImagePrediction]
