"""Trainings, their results and their figures, as programs see them."""

import math
from uuid import UUID

from customvision.domains import PLATFORMS, domain_learned
from customvision.fields import Body, ListOf, Shape, naive, single, utc
from customvision.files import PictureLinks
from customvision.schemas.images import ImageTagOut
from customvision.schemas.predictions import PredictionOut
from engine.metrics import Score
from training.figures import Performance
from training.labels import Label, Labels
from training.models import Image, Iteration


class CustomBaseModelInfo(Body):
    project_id: UUID
    iteration_id: UUID


class TrainingParameters(Body):
    selected_tags: ListOf[UUID] | None = None
    custom_base_model_info: CustomBaseModelInfo | None = None


class IterationIn(Body):
    name: str | None = None


class IterationOut(Shape):
    id: UUID
    name: str
    status: str
    created: str
    last_modified: str
    trained_at: str | None = None
    project_id: UUID
    exportable: bool
    exportable_to: list[str] | None
    domain_id: UUID | None
    classification_type: str | None
    training_type: str
    reserved_budget_in_hours: int
    training_time_in_minutes: int
    publish_name: str | None
    original_publish_resource_id: str | None
    custom_base_model_info: CustomBaseModelInfo | None
    training_error_details: str | None

    @classmethod
    def of(cls, iteration: Iteration) -> "IterationOut":
        """As the service has it: what a training has not yet determined is null, and only trainedAt is absent."""
        asked = iteration.api_settings
        domain = domain_learned(iteration)
        has_begun = iteration.status != Iteration.Status.NEW
        exportable = domain.is_exportable and bool(iteration.head_key)
        base = asked.get("customBaseModelInfo")
        out = cls(
            id=iteration.uid,
            name=iteration.name,
            status=iteration.status if has_begun else Iteration.Status.TRAINING.value,
            created=utc(iteration.created_at),
            last_modified=utc(iteration.modified_at),
            project_id=iteration.project.uid,
            exportable=exportable,
            exportable_to=(list(PLATFORMS) if exportable else []) if has_begun else None,
            domain_id=domain.id if has_begun else None,
            classification_type=asked.get("classificationType", iteration.project.type) if has_begun else None,
            training_type=iteration.training_type,
            reserved_budget_in_hours=iteration.settings.get("reserved_hours", 0),
            training_time_in_minutes=math.ceil((iteration.training_seconds or 0) / 60),
            publish_name=iteration.publish_name or None,
            original_publish_resource_id=asked.get("originalPublishResourceId") if iteration.is_published else None,
            custom_base_model_info=CustomBaseModelInfo.model_validate(base) if base else None,
            training_error_details=iteration.error or None,
        )
        if iteration.trained_at:
            out.trained_at = utc(iteration.trained_at)
        return out


class Figures(Shape):
    """Clients with types take no null: what is not known, as nothing was said or nothing is true, is 0."""

    precision: float
    precision_std_deviation: float
    recall: float
    recall_std_deviation: float
    average_precision: float


class TagPerformanceOut(Figures):
    id: UUID
    name: str


class IterationPerformanceOut(Figures):
    per_tag_performance: list[TagPerformanceOut]

    @classmethod
    def of(cls, performance: Performance, labels: Labels) -> "IterationPerformanceOut":
        per_tag = [
            TagPerformanceOut(id=labels[each.tag].uid, name=each.tag, **_figures(each.score))
            for each in performance.per_tag
        ]
        return cls(per_tag_performance=per_tag, **_figures(performance.overall))


class ImagePerformanceOut(Shape):
    id: UUID
    created: str
    width: int
    height: int
    image_uri: str
    thumbnail_uri: str
    tags: list[ImageTagOut]
    predictions: list[PredictionOut]

    @classmethod
    def of(
        cls, image: Image, *, links: PictureLinks, tags: list[Label], predictions: list[PredictionOut]
    ) -> "ImagePerformanceOut":
        """tags: those that it had when the iteration was trained."""
        created = naive(image.created_at)
        return cls(
            id=image.uid,
            created=created,
            width=image.picture.width,
            height=image.picture.height,
            image_uri=links["original_image_uri"],
            thumbnail_uri=links["thumbnail_uri"],
            tags=[ImageTagOut(tag_id=tag.uid, tag_name=tag.name, created=created) for tag in tags],
            predictions=predictions,
        )


def _figures(score: Score) -> dict[str, float]:
    return {
        "precision": single(score.precision or 0.0),
        "precision_std_deviation": 0.0,
        "recall": single(score.recall or 0.0),
        "recall_std_deviation": 0.0,
        "average_precision": single(score.average_precision or 0.0),
    }
