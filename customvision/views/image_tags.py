"""Tag images, take tags off, and put pairs of text on them."""

from collections.abc import Sequence
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query

from customvision.api_description import takes
from customvision.bodies import read_json
from customvision.errors import ApiError, not_found
from customvision.fields import Ids, Shape, at_least_one, at_most, nothing, reply
from customvision.listings import MOST_IMAGES
from customvision.lookups import find_project
from customvision.metadata import check_metadata
from customvision.routers import training as router
from customvision.schemas.images import (
    ImageMetadataUpdateEntry,
    ImageMetadataUpdateSummary,
    ImageTagCreateBatch,
    ImageTagCreateEntry,
    ImageTagCreateSummary,
    Metadata,
)
from training.models import ImageTag
from training.services.images import add_metadata
from training.services.tagging import Pair, tag_images, untag_images
from training.uploads import BATCH, TAGS_A_BATCH

_MOST_PAIRS = 128


class ImagesAndTags(Shape):
    image_ids: Ids
    tag_ids: Ids


class Images(Shape):
    image_ids: Ids


@router.post("/projects/{uuid:project_id}/images/tags", response=ImageTagCreateSummary)
@takes(ImageTagCreateBatch)
def create_image_tags(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Put each tag on its image, where the image may have it."""
    project = find_project(request, project_id)
    entries = read_json(request, ImageTagCreateBatch).tags or []
    if not entries:
        raise ApiError("BadRequestImageTags", f"The batch has no tags; 1 to {_MOST_PAIRS} are accepted.")
    at_most(_MOST_PAIRS, entries, "tags")
    images = {image.uid: image for image in project.images.filter(uid__in=[entry.image_id for entry in entries])}
    tags = {tag.uid: tag for tag in project.tags.filter(uid__in=[entry.tag_id for entry in entries])}
    for entry in entries:
        if entry.image_id not in images:
            raise not_found("Image")
        if entry.tag_id not in tags:
            raise not_found("Tag")
    done = tag_images(project, [Pair(images[entry.image_id], tags[entry.tag_id]) for entry in entries])
    return reply(
        ImageTagCreateSummary(
            created=_entries(done.created), duplicated=_entries(done.duplicated), exceeded=_entries(done.exceeded)
        )
    )


@router.delete("/projects/{uuid:project_id}/images/tags", response={204: None})
def delete_image_tags(request: HttpRequest, project_id: UUID, chosen: Query[ImagesAndTags]) -> HttpResponse:
    """Take these tags from these images; what is gone already is no error, as a program may have to ask twice."""
    project = find_project(request, project_id)
    for limit, ids, name in ((BATCH, chosen.image_ids, "imageIds"), (TAGS_A_BATCH, chosen.tag_ids, "tagIds")):
        at_least_one(ids, name)
        at_most(limit, ids, name)
    images = project.images.filter(uid__in=chosen.image_ids)
    tags = list(project.tags.filter(uid__in=chosen.tag_ids))
    untag_images(project, [Pair(image, tag) for image in images for tag in tags])
    return nothing()


@router.post(
    "/projects/{uuid:project_id}/images/metadata",
    response={200: ImageMetadataUpdateSummary, 207: ImageMetadataUpdateSummary},
)
@takes(Metadata)
def update_image_metadata(request: HttpRequest, project_id: UUID, chosen: Query[Images]) -> HttpResponse:
    """Add these pairs to those of each image; the answer has all that it has then."""
    project = find_project(request, project_id)
    at_least_one(chosen.image_ids, "imageIds")
    at_most(MOST_IMAGES, chosen.image_ids, "imageIds")
    given = read_json(request, Metadata).root
    check_metadata(given)
    changed, full = add_metadata(project.images.filter(uid__in=chosen.image_ids), given)
    entries = {
        **{image.uid: ImageMetadataUpdateEntry.of(image.uid, "OK", image.metadata) for image in changed},
        **{image.uid: ImageMetadataUpdateEntry.of(image.uid, "ErrorLimitExceed") for image in full},
    }
    images = [entries.get(uid) or ImageMetadataUpdateEntry.of(uid, "ErrorImageNotFound") for uid in chosen.image_ids]
    is_successful = all(entry.status == "OK" for entry in images)
    summary = ImageMetadataUpdateSummary(is_batch_successful=is_successful, images=images)
    return reply(summary, status=200 if is_successful else 207)


def _entries(pairs: Sequence[Pair | ImageTag]) -> list[ImageTagCreateEntry]:
    return [ImageTagCreateEntry(image_id=pair.image.uid, tag_id=pair.tag.uid) for pair in pairs]
