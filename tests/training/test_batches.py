"""Many pictures in one upload, and several uploads at once."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Picture
from catalog.storage import LocalBlobs, stored_blobs
from tests import factories
from training.models import Image, ImageTag, Project, Tag
from training.services import intake
from training.services.images import upload_images
from training.services.projects import create_project, delete_tag
from training.uploads import ImageStatus, ImageUpload, UploadResult

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("in_english")]

OK, AGAIN = ImageStatus.OK, ImageStatus.OK_DUPLICATE
PHOTOS = [factories.make_photo(seed=seed, size=(64, 48)) for seed in range(1, 6)]


@pytest.fixture
def project() -> Project:
    return create_project(name="Dishes", type="Multilabel")


def uploads(*tags: Tag, photos: Sequence[bytes] = PHOTOS) -> list[ImageUpload]:
    return [ImageUpload(f"{number}.jpg", content, tags) for number, content in enumerate(photos)]


def send(project: Project, batch: Sequence[ImageUpload]) -> list[ImageStatus]:
    return [each.status for each in upload_images(project=project, batch=batch, by=None)]


@pytest.fixture
def third_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The storage takes every blob but that of the third photo."""
    refused = factories.admit(PHOTOS[2]).sha256
    save = LocalBlobs._save

    def save_others(self: LocalBlobs, name: str, content: Any) -> str:
        if name.endswith(refused):
            raise OSError(28, "No space left on device")
        return save(self, name, content)

    monkeypatch.setattr(LocalBlobs, "_save", save_others)


def test_third_of_five_that_the_storage_refuses_is_lost_alone(
    project: Project, tags: list[Tag], third_is_refused: None
) -> None:
    statuses = send(project, uploads(tags[0]))

    assert statuses == [OK, OK, ImageStatus.ERROR_STORAGE, OK, OK]
    assert Image.objects.count() == Picture.objects.count() == len(list(stored_blobs("pictures/"))) == 4


def test_known_picture_that_the_storage_refuses_stays_as_it_was(
    project: Project, request: pytest.FixtureRequest, blobs: Path
) -> None:
    send(project, uploads())
    lost = Image.objects.get(name="2.jpg")
    (blobs / lost.picture.blob_key).unlink()
    request.getfixturevalue("third_is_refused")

    assert send(project, uploads()) == [AGAIN, AGAIN, ImageStatus.ERROR_STORAGE, AGAIN, AGAIN]

    assert project.images.filter(pk=lost.pk).exists()


def test_picture_twice_in_a_batch_is_one_image_with_the_tags_of_both(project: Project, tags: list[Tag]) -> None:
    batch = [*uploads(tags[0]), *uploads(tags[1], photos=PHOTOS[:1])]

    assert send(project, batch) == [OK] * 5 + [AGAIN]

    assert set(Image.objects.get(name="0.jpg").tags.all()) == set(tags)


def test_tag_named_twice_is_on_the_image_once(project: Project, tags: list[Tag]) -> None:
    assert send(project, uploads(tags[0], tags[0])) == [OK] * 5

    assert ImageTag.objects.count() == 5


def test_tag_that_was_deleted_loses_its_own_pictures_alone(project: Project, tags: list[Tag]) -> None:
    batch = [*uploads(tags[0], photos=PHOTOS[:2]), *uploads(tags[1], photos=PHOTOS[2:])]
    delete_tag(Tag.objects.get(pk=tags[0].pk))

    assert send(project, batch) == [ImageStatus.ERROR_INVALID_TAG] * 2 + [OK] * 3

    assert Image.objects.count() == Picture.objects.count() == 3


def test_project_that_was_deleted_keeps_nothing(project: Project) -> None:
    Project.objects.filter(pk=project.pk).delete()

    statuses = {each.status for each in intake.add_images(project, uploads(), by=None)}

    assert statuses == {ImageStatus.ERROR_INVALID_TAG}
    assert not Picture.objects.exists()


def at_once(*calls: Any) -> None:
    """Call each in a thread, all at the same moment."""
    barrier = threading.Barrier(len(calls))

    def run(call: Any) -> None:
        barrier.wait(10)
        call()
        connection.close()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)


def test_same_batch_from_several_at_once_is_kept_once(project: Project, tags: list[Tag]) -> None:
    photos = [factories.make_photo(size=(64, 48)) for _ in range(20)]
    results: list[tuple[UploadResult, ...]] = []

    def upload(batch: list[ImageUpload]) -> None:
        results.append(upload_images(project=project, batch=batch, by=None))

    forward = uploads(tags[0], photos=photos)
    at_once(lambda: upload(forward), lambda: upload(forward[::-1]), lambda: upload(forward[10:] + forward[:10]))

    statuses = [each.status for result in results for each in result]
    assert (statuses.count(OK), statuses.count(AGAIN)) == (20, 40)
    assert Image.objects.count() == Picture.objects.count() == ImageTag.objects.count() == 20


def test_batches_of_two_projects_share_their_pictures(project: Project) -> None:
    other = create_project(name="Other")
    statuses: list[ImageStatus] = []

    at_once(
        lambda: statuses.extend(send(project, uploads())),
        lambda: statuses.extend(send(other, uploads()[::-1])),
    )

    assert statuses == [OK] * 10
    assert (Image.objects.count(), Picture.objects.count()) == (10, 5)


def test_row_that_another_discards_between_the_statements_is_made_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(create_project(name="Other"), uploads())
    Image.objects.all().delete()
    select = Picture.objects.select_for_update
    gone: list[object] = []

    def discard_first(*args: Any, **kwargs: Any) -> Any:
        if not gone:
            gone.append(Picture.objects.all()[:1].get().delete())
        return select(*args, **kwargs)

    monkeypatch.setattr(Picture.objects, "select_for_update", discard_first)

    assert send(project, uploads()) == [OK] * 5
    assert gone
    assert len(list(stored_blobs("pictures/"))) == 5


def test_full_project_still_takes_what_it_has(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    send(project, uploads(photos=PHOTOS[:2]))
    monkeypatch.setattr(intake, "MOST_IMAGES", 3)

    full = ImageStatus.ERROR_LIMIT_EXCEED
    assert send(project, uploads()) == [AGAIN, AGAIN, OK, full, full]

    assert Picture.objects.count() == 3


def test_heavy_pictures_are_kept_in_parts(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "_BYTES_TOGETHER", len(PHOTOS[0]) + len(PHOTOS[1]))

    assert send(project, uploads()) == [OK] * 5
    assert [each.name for each in project.images.order_by("name")] == [f"{number}.jpg" for number in range(5)]


def test_larger_batch_asks_the_database_no_more_often(project: Project, tags: list[Tag]) -> None:
    counts = []
    for batch in (uploads(tags[0], photos=PHOTOS[:1]), uploads(tags[0], photos=PHOTOS[1:])):
        with CaptureQueriesContext(connection) as asked:
            intake.add_images(project, batch, by=None)
        counts.append(len(asked))

    assert counts[1] == counts[0]
