"""Uploads: every picture is kept or refused by itself, with Custom Vision's word for it."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from catalog.exceptions import StorageUnavailable
from catalog.models import Picture
from catalog.storage import read_blob, write_blob
from engine.splitting import Part
from tests import factories
from training.exceptions import Refused
from training.models import Image, ImageTag, Project, Tag
from training.services import intake
from training.services.images import delete_images, remark, upload_images
from training.services.projects import create_project, create_tags, delete_tag
from training.services.tagging import Pair, tag_images
from training.uploads import ImageStatus, ImageUpload, UploadResult

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]


def upload(project: Project, *uploads: ImageUpload | UploadResult) -> tuple[UploadResult, ...]:
    return upload_images(project=project, batch=uploads, by=None)


def photo(*tags: Tag, name: str = "a.jpg", **fields: Any) -> ImageUpload:
    return ImageUpload(name, fields.pop("content", None) or factories.make_photo(**fields), tags)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "BMP", "GIF"])
def test_picture_of_any_format_becomes_an_image(project: Project, tags: list[Tag], format: str) -> None:
    (result,) = upload(project, photo(tags[0], format=format))

    assert result.status == ImageStatus.OK
    assert result.image is not None
    assert list(result.image.tags.all()) == [tags[0]]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", ImageStatus.ERROR_IMAGE_FORMAT),
        (b"%PDF-1.7 nothing", ImageStatus.ERROR_IMAGE_FORMAT),
        (factories.make_photo(seed=1)[:-500], ImageStatus.ERROR_IMAGE_FORMAT),
        (b"\xff" * (6 * 1024 * 1024 + 1), ImageStatus.ERROR_IMAGE_SIZE),
        (factories.make_photo(seed=1, size=(800, 30)), ImageStatus.ERROR_IMAGE_DIMENSIONS),
    ],
)
def test_what_is_no_picture_is_refused_with_a_sentence(
    project: Project, tags: list[Tag], content: bytes, status: ImageStatus
) -> None:
    (result,) = upload(project, ImageUpload("bad.jpg", content, (tags[0],)))

    assert (result.status, result.image) == (status, None)
    assert result.detail.endswith(".")


def test_corrupt_file_in_a_batch_of_64_is_refused_alone(project: Project, tags: list[Tag]) -> None:
    batch = [photo(tags[0], name=f"{number}.jpg", size=(64, 48)) for number in range(63)]

    results = upload(project, *batch[:30], ImageUpload("corrupt.jpg", b"\xff\xd8nothing", (tags[0],)), *batch[30:])

    assert [each.name for each in results if not each.status.is_ok] == ["corrupt.jpg"]
    assert project.images.count() == 63


def test_what_could_not_be_read_stands_in_its_place(project: Project, tags: list[Tag]) -> None:
    unread = UploadResult("lost.jpg", ImageStatus.ERROR_SOURCE, detail="No such file.")

    results = upload(project, photo(tags[0], name="a.jpg"), unread, photo(tags[0], name="b.jpg"))

    assert [each.name for each in results] == ["a.jpg", "lost.jpg", "b.jpg"]
    assert upload(project, unread) == (results[1],) == (unread,)
    assert project.images.count() == 2


def test_batch_of_65_is_refused(project: Project) -> None:
    with pytest.raises(Refused, match="65"):
        upload(project, *[ImageUpload("a.jpg", b"")] * 65)


def test_21_tags_at_once_are_refused(project: Project) -> None:
    many, _ = create_tags(project=project, names=[f"tag {number}" for number in range(21)])

    with pytest.raises(Refused, match="21"):
        upload(project, *[ImageUpload("a.jpg", b"", (tag,)) for tag in many])


def test_same_picture_again_is_a_duplicate(project: Project, tags: list[Tag]) -> None:
    upload(project, photo(tags[0], seed=1))

    (again,) = upload(project, photo(tags[0], seed=1, name="b.jpg"))

    assert again.status == ImageStatus.OK_DUPLICATE
    assert project.images.count() == 1


def test_duplicate_under_another_tag_keeps_its_first(project: Project, tags: list[Tag]) -> None:
    upload(project, photo(tags[0], seed=1))

    (again,) = upload(project, photo(tags[1], seed=1))

    assert again.left_out == (tags[1],)
    assert remark(again) == "It was in the project already, as pizza, and stays so: now it came as risotto."
    assert [each.tag.name for each in ImageTag.objects.all()] == ["pizza"]


def test_untagged_duplicate_takes_the_tag(project: Project, tags: list[Tag]) -> None:
    upload(project, photo(seed=1))

    upload(project, photo(tags[1], seed=1))

    assert [each.tag.name for each in ImageTag.objects.all()] == ["risotto"]


def test_multilabel_image_collects_tags() -> None:
    project = create_project(name="Labels", type="Multilabel")
    one, two = create_tags(project=project, names=["one", "two"])[0]
    upload(project, photo(one, seed=1))

    (result,) = upload(project, photo(two, seed=1))

    assert result.image is not None
    assert set(result.image.tags.all()) == {one, two}


def test_two_tags_are_too_many_in_a_multiclass_project(project: Project, tags: list[Tag]) -> None:
    (result,) = upload(project, photo(*tags))

    assert result.status == ImageStatus.ERROR_TAG_LIMIT_EXCEED


def test_negative_tag_excludes_the_others() -> None:
    project = create_project(name="Labels", type="Multilabel")
    one = create_tags(project=project, names=["one"])[0][0]
    none = create_tags(project=project, names=["none"], type=Tag.Type.NEGATIVE)[0][0]

    (result,) = upload(project, photo(one, none))

    assert result.status == ImageStatus.ERROR_NEGATIVE_AND_REGULAR_TAG


def test_tag_of_another_project_is_refused(project: Project) -> None:
    other = create_tags(project=create_project(name="Other"), names=["a"])[0][0]

    (result,) = upload(project, photo(other))

    assert result.status == ImageStatus.ERROR_INVALID_TAG


def test_project_that_is_full_takes_no_more(project: Project, tags: list[Tag], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MOST_IMAGES", 1)

    first, second = upload(project, photo(tags[0]), photo(tags[0]))

    assert (first.status, second.status) == (ImageStatus.OK, ImageStatus.ERROR_LIMIT_EXCEED)


def test_storage_that_refuses_keeps_nothing_and_says_so(
    project: Project, tags: list[Tag], storage_refuses: None
) -> None:
    (result,) = upload(project, photo(tags[0]))

    assert result.status == ImageStatus.ERROR_STORAGE
    assert not Image.objects.exists()
    assert not Picture.objects.exists()


def test_relabelled_image_has_the_other_tag_only(project: Project, tags: list[Tag]) -> None:
    (result,) = upload(project, photo(tags[0]))
    assert result.image is not None

    tag_images(project, [Pair(result.image, tags[1])], replace=True)

    assert [tag.name for tag in result.image.tags.all()] == ["risotto"]


def test_deleted_image_takes_its_picture_along(project: Project, tags: list[Tag]) -> None:
    (result,) = upload(project, photo(tags[0]))
    assert result.image is not None

    delete_images([result.image])

    assert not Picture.objects.exists()
    assert not default_storage.exists(result.image.picture.blob_key)


def test_picture_that_another_project_has_stays(project: Project, tags: list[Tag]) -> None:
    (result,) = upload(project, photo(tags[0], seed=1))
    other = create_project(name="Other")
    upload(other, photo(seed=1))
    assert result.image is not None

    delete_images([result.image])

    assert other.images.get().picture == Picture.objects.get()


def test_deleted_tag_leaves_its_images_untagged(project: Project, tags: list[Tag]) -> None:
    upload(project, photo(tags[0]))

    delete_tag(tags[0])

    assert project.images.untagged().count() == 1


def test_database_allows_one_tag_in_a_multiclass_project(project: Project, tags: list[Tag]) -> None:
    (result,) = upload(project, photo(tags[0]))
    assert result.image is not None

    with pytest.raises(IntegrityError, match="one_tag"), transaction.atomic():
        ImageTag.objects.create(image=result.image, tag=tags[1], is_only=True)


def test_database_refuses_a_held_out_correction(project: Project) -> None:
    (result,) = upload(project, photo())
    assert result.image is not None
    held_out = Image.objects.filter(pk=result.image.pk)

    with pytest.raises(IntegrityError, match="correction"), transaction.atomic():
        held_out.update(source=Image.Source.CORRECTION, part=Part.HELD_OUT.value)


def test_lost_picture_comes_back_with_the_next_upload(project: Project, tags: list[Tag]) -> None:
    (result,) = upload(project, photo(tags[0], seed=1))
    assert result.image is not None
    default_storage.delete(result.image.picture.blob_key)
    Image.objects.update(quarantine="The storage has lost its bytes.")

    upload(project, photo(tags[0], seed=1))

    assert default_storage.exists(result.image.picture.blob_key)
    assert project.images.usable().count() == 1


@pytest.mark.parametrize(("part", "held_out"), [(Part.UNDECIDED, True), (Part.TRAINING, False)])
def test_duplicate_is_held_out_unless_it_was_trained_on(
    project: Project, tags: list[Tag], part: Part, held_out: bool
) -> None:
    upload(project, photo(tags[0], seed=1))
    Image.objects.update(part=part.value)
    again = ImageUpload("again.jpg", factories.make_photo(seed=1), (tags[0],), held_out=True)

    (result,) = upload(project, again)

    assert (project.images.get().part == Part.HELD_OUT) is held_out
    assert result.is_not_held_out is not held_out
    assert remark(result) == ("" if held_out else "It was trained on already, and is not held out.")


def test_blobs_and_every_folder_of_theirs_are_their_owners_alone(blobs: Path) -> None:
    write_blob("pictures/ab/cd", b"bytes")

    modes = {path.stat().st_mode & 0o777 for path in (blobs, blobs / "pictures", blobs / "pictures" / "ab")}
    assert modes == {0o700}
    assert (blobs / "pictures" / "ab" / "cd").stat().st_mode & 0o777 == 0o600


def test_write_that_fails_leaves_what_was_there(blobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_blob("heads/a", b"whole")

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("catalog.storage.os.fsync", fail)
    with pytest.raises(StorageUnavailable):
        write_blob("heads/a", b"another")

    assert read_blob("heads/a") == b"whole"
    assert [path.name for path in (blobs / "heads").iterdir()] == ["a"]
