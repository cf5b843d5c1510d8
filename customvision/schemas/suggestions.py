"""What an iteration suggests for images that have no tag, as programs see it."""

from uuid import UUID

from customvision.fields import Body, ListOf, Shape
from customvision.paging import PageToken
from customvision.schemas.predictions import ImagePrediction


class TagFilter(Body):
    tag_ids: ListOf[UUID] | None = None
    threshold: float | None = None


class SuggestedTagAndRegionQueryToken(PageToken, TagFilter):
    """What is asked for, and in answers also where the next page begins."""

    sort_by: str | None = None


class SuggestedTagAndRegion(ImagePrediction):
    """The id is the image's."""

    prediction_uncertainty: float


class StoredSuggestedTagAndRegion(SuggestedTagAndRegion):
    width: int
    height: int
    resized_image_uri: str
    thumbnail_uri: str
    original_image_uri: str
    domain: UUID


class SuggestedTagAndRegionQuery(Shape):
    token: SuggestedTagAndRegionQueryToken
    results: list[StoredSuggestedTagAndRegion]
