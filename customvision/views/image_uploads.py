"""Add training images: as files, as base64 in JSON, by address, as stored predictions."""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Query

from acts.services import Doer
from catalog.exceptions import StorageUnavailable
from catalog.services import read_picture
from customvision.api_description import takes, takes_pictures
from customvision.batches import Adding, Entry, check_batch, decoded, uid_of
from customvision.bodies import read_json, read_pictures
from customvision.errors import ApiError
from customvision.fields import Names, Shape
from customvision.lookups import find_project, key_of
from customvision.models import StoredPrediction
from customvision.routers import training as router
from customvision.schemas.images import (
    Batch,
    BatchEntry,
    ImageCreateSummary,
    ImageFileCreateBatch,
    ImageFileCreateEntry,
    ImageIdCreateBatch,
    ImageIdCreateEntry,
    ImageUrlCreateBatch,
)
from customvision.services import note_learned
from engine import images
from engine.images.refusals import MEBI
from training.models import Image, Project
from training.uploads import ImageStatus
from web.fetching import NotFetched, TooLong, fetch_picture

logger = logging.getLogger(__name__)

_MOST_BYTES = settings.CLASSIFR_BATCH_MIB * MEBI
_FETCHED_AT_ONCE = _READ_AT_ONCE = 8
_ANSWERS: Mapping[int, type[ImageCreateSummary]] = {200: ImageCreateSummary, 207: ImageCreateSummary}


class TagsOfAll(Shape):
    tag_ids: Names = []
    """Texts, as one that is no id is an error of each image."""


@router.post("/projects/{uuid:project_id}/images", response=_ANSWERS)
@takes_pictures(max_bytes=_MOST_BYTES, leeway=0)
def create_images_from_data(request: HttpRequest, project_id: UUID, query: Query[TagsOfAll]) -> HttpResponse:
    """Add at most 64 pictures: parts of a form, or one as the body itself."""
    project = find_project(request, project_id)
    tag_ids = tuple(query.tag_ids)
    parts = read_pictures(request)
    check_batch(len(parts), tag_ids, {})
    adding = Adding(request, project)
    adding.add([Entry(part.name, part.content, tag_ids, name=_last_part(part.name.strip('"'))) for part in parts])
    return adding.answer()


@router.post("/projects/{uuid:project_id}/images/files", response=_ANSWERS)
@takes(ImageFileCreateBatch, max_bytes=_MOST_BYTES, leeway=0)
def create_images_from_files(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Add at most 64 pictures in base64."""
    project = find_project(request, project_id)
    batch = read_json(request, ImageFileCreateBatch)
    entries = batch.images or []
    adding = _adding(request, project, batch, entries)
    adding.add([_file(entry, batch) for entry in entries])
    return adding.answer()


@router.post("/projects/{uuid:project_id}/images/urls", response=_ANSWERS)
@takes(ImageUrlCreateBatch)
def create_images_from_urls(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Fetch at most 64 pictures and add them, a few at a time."""
    project = find_project(request, project_id)
    batch = read_json(request, ImageUrlCreateBatch)
    entries = batch.images or []
    adding = _adding(request, project, batch, entries)
    with ThreadPoolExecutor(_FETCHED_AT_ONCE) as pool:
        for start in range(0, len(entries), _FETCHED_AT_ONCE):
            some = entries[start : start + _FETCHED_AT_ONCE]
            contents = pool.map(_fetched, [entry.url for entry in some])
            adding.add(
                [
                    Entry(entry.url, content, _tag_ids(entry, batch), name=_last_part(entry.url.partition("?")[0]))
                    for entry, content in zip(some, contents, strict=True)
                ]
            )
    return adding.answer()


@router.post("/projects/{uuid:project_id}/images/predictions", response=_ANSWERS)
@takes(ImageIdCreateBatch)
def create_images_from_predictions(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Add the pictures of at most 64 stored predictions; those that became images are predictions no longer."""
    project = find_project(request, project_id)
    batch = read_json(request, ImageIdCreateBatch)
    entries = batch.images or []
    adding = _adding(request, project, batch, entries)
    uids = {uid for entry in entries if (uid := uid_of(entry.id))}
    stored: dict[UUID | None, StoredPrediction] = {
        each.uid: each for each in project.stored_predictions.waiting().filter(uid__in=uids).select_related("picture")
    }
    for start in range(0, len(entries), _READ_AT_ONCE):
        some = [(entry, stored.get(uid_of(entry.id))) for entry in entries[start : start + _READ_AT_ONCE]]
        adding.add([_predicted(entry, each, batch) for entry, each in some])
    done = (entry for entry, result in zip(entries, adding.results, strict=True) if result.image)
    learned = {each for entry in done if (each := stored.get(uid_of(entry.id)))}
    note_learned(project, learned, by=Doer.key(key_of(request)))
    return adding.answer()


def _predicted(entry: ImageIdCreateEntry, stored: StoredPrediction | None, batch: Batch) -> Entry:
    content: bytes | ImageStatus = ImageStatus.ERROR_SOURCE
    if stored:
        try:
            content = read_picture(stored.picture)
        except StorageUnavailable as exc:
            logger.warning("Not read: %s", exc)
            content = ImageStatus.ERROR_STORAGE
    return Entry(entry.id, content, _tag_ids(entry, batch), origin=Image.Source.CORRECTION)


def _file(entry: ImageFileCreateEntry, batch: Batch) -> Entry:
    return Entry(entry.name, decoded(entry.contents), _tag_ids(entry, batch), name=entry.name or "")


def _last_part(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def _fetched(url: str) -> bytes | ImageStatus:
    """Return what is at that address, or why nothing is; called in threads, without a database."""
    try:
        return fetch_picture(url, max_bytes=images.TRAINING.max_bytes)
    except TooLong:
        return ImageStatus.ERROR_IMAGE_SIZE
    except NotFetched:
        return ImageStatus.ERROR_SOURCE


def _tag_ids(entry: BatchEntry, batch: Batch) -> tuple[str, ...]:
    """Return the ids of the batch's tags and the image's own."""
    return (*(batch.tag_ids or ()), *(entry.tag_ids or ()))


def _adding(request: HttpRequest, project: Project, batch: Batch, entries: Sequence[BatchEntry]) -> Adding:
    """Return what adds the pictures of that batch. Raises ApiError for one that is refused whole."""
    own = [each for entry in entries for each in entry.tag_ids or ()]
    check_batch(len(entries), [*(batch.tag_ids or ()), *own], batch.metadata or {})
    if any(entry.regions for entry in entries):
        sentence = "Regions are for object detection; this project classifies whole images."
        raise ApiError("BadRequestImageRegions", sentence)
    return Adding(request, project, metadata=batch.metadata)
