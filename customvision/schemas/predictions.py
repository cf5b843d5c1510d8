"""Answers to pictures, as programs see them."""

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest

from classifier.backends.base import TagProbability
from customvision.domains import domain_of
from customvision.fields import Shape, single, utc
from customvision.files import prediction_path, signed
from customvision.labels import Label
from customvision.models import StoredPrediction
from customvision.paths import has_tag_types
from training.models import Project


class PredictionOut(Shape):
    probability: float
    tag_id: UUID
    tag_name: str
    tag_type: str = ""
    """Not sent where the version of the API knows none."""

    @classmethod
    def of(cls, given: TagProbability, label: Label, *, has_type: bool = True) -> "PredictionOut":
        type_ = {"tag_type": label.type} if has_type else {}
        return cls(probability=single(given.probability), tag_id=label.uid, tag_name=label.name, **type_)


class ImagePrediction(Shape):
    id: UUID
    project: UUID
    iteration: UUID
    created: str
    predictions: list[PredictionOut]


class ImageUrl(Shape):
    url: str


class PredictionQueryTag(Shape):
    id: UUID
    min_threshold: float | None = None
    max_threshold: float | None = None


class PredictionQueryToken(Shape):
    """What is asked for, and in answers also where the next page begins."""

    session: str | None = None
    continuation: str | None = None
    max_count: int | None = None
    order_by: str | None = None
    tags: list[PredictionQueryTag] | None = None
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
        whole = signed(request, prediction_path(stored, project.uid))
        ranked = sorted(stored.predictions.items(), key=lambda item: -item[1][0])
        return cls(
            resized_image_uri=whole,
            thumbnail_uri=signed(request, prediction_path(stored, project.uid, kind="t")),
            original_image_uri=whole,
            domain=domain_of(project).id,
            id=stored.uid,
            project=project.uid,
            iteration=stored.iteration_uid,
            created=utc(stored.created_at),
            predictions=[
                PredictionOut.of(
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
