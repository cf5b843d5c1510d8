"""Pictures on their way to Azure."""

import base64
from uuid import UUID

import pytest

from azurecv.training.mirror import CustomVisionMirror
from azurecv.training.trainer import CustomVisionTrainer
from tests import factories
from tests.azurecv import azure_training as recorded
from tests.azurecv.azure import RecordedAnswer, RecordedAzure, error
from tests.azurecv.azure_training import (
    DONE,
    FILES,
    PROJECT,
    TAGS,
    make_image,
    uploads,
)
from training.models import Iteration, Project, Tag
from training.services import tagging
from training.services.images import discard_images
from training.services.tagging import Pair
from training.uploads import ImageStatus, ImageUpload

pytestmark = pytest.mark.django_db


def statuses(azure: RecordedAzure, trainer: CustomVisionTrainer, project: Project, *tags: Tag) -> list[str]:
    return [each.status for each in trainer.upload_images(project, uploads(*tags), by=None)]


def test_each_picture_gets_its_own_answer_whatever_the_order(
    azure: RecordedAzure, trainer: CustomVisionTrainer, project: Project, pizza: Tag
) -> None:
    azure.on("POST", FILES, recorded.images_received(image_1="ErrorImageFormat"))

    results = trainer.upload_images(project, uploads(pizza), by=None)

    assert [each.name for each in results] == ["0.jpg", "1.jpg", "2.jpg"]
    assert [each.status for each in results] == ["OK", "ErrorImageFormat", "OK"]
    kept = [str(each.image.remote_id) for each in results if each.image]
    assert kept == [recorded.image_id(0), recorded.image_id(2)]
    assert results[1].detail == "Azure Custom Vision does not take it: it cannot read it as a picture."


def test_batch_travels_in_one_request_with_its_tags_and_without_metadata(
    azure: RecordedAzure, trainer: CustomVisionTrainer, project: Project, pizza: Tag
) -> None:
    azure.on("POST", FILES, recorded.images_received())
    photo = factories.make_photo(comment=b"taken at home")

    trainer.upload_images(project, [ImageUpload("a.jpg", photo, (pizza,)), *uploads(pizza)], by=None)

    (request,) = azure.sent("POST", FILES)
    assert {tuple(each["tagIds"]) for each in request.json["images"]} == {(recorded.TAG_ID,)}
    assert b"taken at home" not in base64.b64decode(request.json["images"][0]["contents"])


def test_corrupt_file_does_not_travel(azure: RecordedAzure, trainer: CustomVisionTrainer, project: Project) -> None:
    azure.on("POST", FILES, recorded.images_received())

    results = trainer.upload_images(project, [ImageUpload("a.jpg", b"%PDF-1.7"), *uploads(count=1)], by=None)

    assert [each.status for each in results] == ["ErrorImageFormat", "OK"]
    assert len(azure.requests[0].json["images"]) == 1


def test_batch_that_was_sent_and_not_kept_is_kept_when_it_is_sent_again(
    azure: RecordedAzure, trainer: CustomVisionTrainer, project: Project, pizza: Tag
) -> None:
    azure.on("POST", FILES, recorded.images_received(image_0="OKDuplicate"))

    (result,) = trainer.upload_images(project, uploads(pizza, count=1), by=None)

    assert result.status == ImageStatus.OK_DUPLICATE
    assert project.images.get().remote_id == UUID(recorded.image_id(0))
    assert project.images.get().tags.get() == pizza


def test_two_files_that_azure_holds_for_one_image_are_one_image(
    azure: RecordedAzure, trainer: CustomVisionTrainer, project: Project
) -> None:
    azure.on("POST", FILES, recorded.images_received(), recorded.images_received(image_0="OKDuplicate"))

    (first,) = trainer.upload_images(project, uploads(count=1), by=None)
    (second,) = trainer.upload_images(project, uploads(count=1), by=None)

    assert (second.status, second.image) == (ImageStatus.OK_DUPLICATE, first.image)


def test_tag_that_the_one_image_cannot_have_is_left_out(
    azure: RecordedAzure, trainer: CustomVisionTrainer, project: Project, pizza: Tag, risotto: Tag
) -> None:
    azure.on("POST", FILES, recorded.images_received(), recorded.images_received(image_0="OKDuplicate"))
    trainer.upload_images(project, uploads(pizza, count=1), by=None)

    (second,) = trainer.upload_images(project, uploads(risotto, count=1), by=None)

    assert second.left_out == (risotto,)


def test_image_of_one_tag_keeps_it_at_azure_too(
    azure: RecordedAzure, trainer: CustomVisionTrainer, project: Project, pizza: Tag, risotto: Tag
) -> None:
    azure.on("POST", FILES, recorded.images_received(), recorded.images_received(image_0="OKDuplicate"))
    photo = factories.make_photo()

    trainer.upload_images(project, [ImageUpload("a.jpg", photo, (pizza,))], by=None)
    (result,) = trainer.upload_images(project, [ImageUpload("a.jpg", photo, (risotto,))], by=None)

    assert azure.requests[1].json["images"][0]["tagIds"] == [recorded.TAG_ID]
    assert result.left_out == (risotto,)


def test_held_out_picture_stays_here(azure: RecordedAzure, trainer: CustomVisionTrainer, project: Project) -> None:
    (result,) = trainer.upload_images(project, [ImageUpload("a.jpg", factories.make_photo(), held_out=True)], by=None)

    assert result.status == ImageStatus.OK
    assert project.images.get().remote_id is None
    assert not azure.requests


def test_heavy_batch_travels_in_several_requests(
    azure: RecordedAzure, trainer: CustomVisionTrainer, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.services.intake._BYTES_TOGETHER", 20_000)
    azure.on("POST", FILES, recorded.images_received())
    batch = [ImageUpload("a.bmp", factories.make_photo(format="BMP", size=(60, 60))) for _ in range(3)]

    assert all(each.status.is_ok for each in trainer.upload_images(project, batch, by=None))
    assert [len(each.json["images"]) for each in azure.requests] == [1, 1, 1]


@pytest.mark.parametrize(("status", "expected"), [("ErrorRegionLimitExceed", "ErrorUnknown"), ("OK", "OK")])
def test_status_that_we_do_not_know_is_an_error(
    azure: RecordedAzure, trainer: CustomVisionTrainer, project: Project, status: str, expected: str
) -> None:
    azure.on("POST", FILES, recorded.images_received(image_2=status))

    assert statuses(azure, trainer, project)[2] == expected


def test_picture_without_an_answer_is_an_error(
    azure: RecordedAzure, trainer: CustomVisionTrainer, project: Project
) -> None:
    azure.on("POST", FILES, RecordedAnswer(200, {"isBatchSuccessful": True, "images": []}))

    assert statuses(azure, trainer, project) == ["ErrorUnknown"] * 3
    assert not project.images.exists()


def test_tag_that_azure_does_not_know_yet_is_made_there(
    azure: RecordedAzure, trainer: CustomVisionTrainer, project: Project
) -> None:
    azure.on("POST", TAGS, RecordedAnswer(200, recorded.tag()))
    azure.on("POST", FILES, recorded.images_received())
    tag = Tag.objects.create(project=project, name="pizza")

    trainer.upload_images(project, uploads(tag, count=1), by=None)

    tag.refresh_from_db()
    assert tag.remote_id == UUID(recorded.TAG_ID)


def test_only_the_tags_that_differ_are_sent(
    azure: RecordedAzure, mirror: CustomVisionMirror, iteration: Iteration, pizza: Tag, risotto: Tag
) -> None:
    image = pizza.images.get(remote_id=recorded.image_id(1))
    path = f"{PROJECT}/images/tags"
    azure.on("DELETE", path, DONE)
    azure.on("POST", path, RecordedAnswer(200, {"created": [], "duplicated": [], "exceeded": []}))

    mirror.set_tags(image, [risotto])

    assert azure.sent("DELETE", path)[0].query == {"imageIds": recorded.image_id(1), "tagIds": recorded.TAG_ID}
    pair = {"imageId": recorded.image_id(1), "tagId": recorded.OTHER_TAG_ID}
    assert azure.sent("POST", path)[0].json == {"tags": [pair]}


def test_image_that_is_gone_keeps_no_other_at_azure(
    azure: RecordedAzure, mirror: CustomVisionMirror, project: Project
) -> None:
    gone = error(404, "NotFoundImage", "Invalid image")
    azure.on("DELETE", f"{PROJECT}/images", gone, gone, DONE)
    rows = [make_image(project, remote_id=recorded.image_id(number)) for number in range(2)]

    mirror.delete_images([*rows, make_image(project)])

    ids = [each.query["imageIds"] for each in azure.requests]
    assert ids == [f"{recorded.image_id(0)},{recorded.image_id(1)}", recorded.image_id(0), recorded.image_id(1)]


def test_tags_of_programs_are_put_on_and_taken_off_at_azure_too(
    azure: RecordedAzure, iteration: Iteration, pizza: Tag, risotto: Tag
) -> None:
    project = iteration.project
    project.type = Project.Type.MULTILABEL
    project.save(update_fields=["type"])
    image = pizza.images.get(remote_id=recorded.image_id(1))
    pizza.image_tags.update(is_only=False)
    path = f"{PROJECT}/images/tags"
    azure.on("DELETE", path, DONE)
    azure.on("POST", path, RecordedAnswer(200, {"created": [], "duplicated": [], "exceeded": []}))

    tagging.tag_images(project, [Pair(image, pizza), Pair(image, risotto)])
    tagging.untag_images(project, [Pair(image, pizza)])

    pair = {"imageId": recorded.image_id(1), "tagId": recorded.OTHER_TAG_ID}
    assert [each.json for each in azure.sent("POST", path)] == [{"tags": [pair]}]
    assert [each.query["tagIds"] for each in azure.sent("DELETE", path)] == [recorded.TAG_ID]
    assert list(image.tags.all()) == [risotto]


def test_images_that_programs_delete_are_deleted_at_azure_too(azure: RecordedAzure, project: Project) -> None:
    azure.on("DELETE", f"{PROJECT}/images", DONE)
    for remote_id in (recorded.image_id(0), None):
        make_image(project, remote_id=remote_id)

    discard_images(project, project.images.all(), by=None)

    assert [each.query["imageIds"] for each in azure.requests] == [recorded.image_id(0)]
    assert not project.images.exists()
