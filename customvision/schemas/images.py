"""Training images, as programs send and see them."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from pydantic import ConfigDict, Field, RootModel

from customvision.fields import Body, ListOf, Shape, Texts, naive
from customvision.files import image_links
from training.models import Image, ImageTag


class Region(Body):
    """Where something is in an image, which is for object detection."""


class Batch(Body):
    """What the three kinds of batches have in common: tags and metadata of all their images."""

    tag_ids: ListOf[str] | None = None
    metadata: Texts | None = None


class BatchEntry(Body):
    tag_ids: ListOf[str] | None = None
    """Texts, as one that is no id is wrong for this image alone."""
    regions: ListOf[Region] | None = None


class ImageFileCreateEntry(BatchEntry):
    # The parser decodes base64 by itself, and never holds it decoded and encoded; what it cannot read stays a text.
    model_config = ConfigDict(val_json_bytes="base64")

    name: str | None = None
    contents: Annotated[bytes | str | None, Field(union_mode="left_to_right")] = None


class ImageFileCreateBatch(Batch):
    images: ListOf[ImageFileCreateEntry] | None = None


class ImageUrlCreateEntry(BatchEntry):
    url: str


class ImageUrlCreateBatch(Batch):
    images: ListOf[ImageUrlCreateEntry] | None = None


class ImageIdCreateEntry(BatchEntry):
    id: str
    """A text, as one that is no id is wrong for this image alone."""


class ImageIdCreateBatch(Batch):
    images: ListOf[ImageIdCreateEntry] | None = None


class ImageTagOut(Shape):
    tag_id: UUID
    tag_name: str | None
    created: str

    @classmethod
    def of(cls, known: ImageTag) -> "ImageTagOut":
        return cls(tag_id=known.tag.uid, tag_name=known.tag.name, created=naive(known.created_at))


class ImageOut(Shape):
    id: UUID
    created: str
    width: int
    height: int
    resized_image_uri: str
    thumbnail_uri: str
    original_image_uri: str
    tags: list[ImageTagOut] = []
    """Not sent when there are none, like metadata."""
    metadata: dict[str, str] = {}

    @classmethod
    def of(cls, image: Image, tags: list[ImageTagOut], request: HttpRequest, project_uid: UUID) -> "ImageOut":
        """From an image with its picture."""
        some: dict[str, Any] = {"tags": tags, "metadata": image.metadata}
        return cls(
            id=image.uid,
            created=naive(image.created_at),
            width=image.picture.width,
            height=image.picture.height,
            **image_links(request, image, project_uid),
            **{name: value for name, value in some.items() if value},
        )


class ImageCreateResult(Shape):
    source_url: str | None
    status: str
    image: ImageOut | None


class ImageCreateSummary(Shape):
    is_batch_successful: bool
    images: list[ImageCreateResult]


class ImageTagCreateEntry(Body):
    image_id: UUID
    tag_id: UUID


class ImageTagCreateBatch(Body):
    tags: ListOf[ImageTagCreateEntry] | None = None


class ImageTagCreateSummary(Shape):
    created: list[ImageTagCreateEntry]
    duplicated: list[ImageTagCreateEntry]
    exceeded: list[ImageTagCreateEntry]


class Metadata(RootModel[Texts]):
    root: Texts = {}


class ImageMetadataUpdateEntry(Shape):
    image_id: UUID
    status: str
    metadata: dict[str, str] = {}
    """Not sent of an image that was not changed."""

    @classmethod
    def of(cls, uid: UUID, status: str, metadata: Mapping[str, str] | None = None) -> "ImageMetadataUpdateEntry":
        fields = {} if metadata is None else {"metadata": dict(metadata)}
        return cls(image_id=uid, status=status, **fields)


class ImageMetadataUpdateSummary(Shape):
    is_batch_successful: bool
    images: list[ImageMetadataUpdateEntry]
