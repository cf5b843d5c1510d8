"""A picture's file is read once on each of its ways, however many steps there are."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.keys import create_key
from accounts.models import ApiKey, User
from azurecv.training.trainer import CustomVisionTrainer
from catalog.embedding import embed
from classifier.models import Prediction
from customvision.models import StoredPrediction
from engine import backbones
from engine.images import jpeg
from feedback.models import Verdict
from feedback.services.verdicts import give_verdict
from tests import factories
from tests.azurecv import azure_training
from training.models import Project
from training.services.images import upload_images
from training.uploads import ImageUpload

pytestmark = pytest.mark.django_db


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Give the size of each JPEG whose header was read, in order."""
    sizes: list[int] = []
    real = jpeg._read_header

    def counted(content: bytes) -> Any:
        sizes.append(len(content))
        return real(content)

    monkeypatch.setattr(jpeg, "_read_header", counted)
    return sizes


@pytest.fixture
def photo() -> bytes:
    return factories.make_photo(comment=b"taken at home")


def test_photo_of_the_page_is_read_once_and_once_more_to_be_kept(
    photo: bytes, readings: list[int], client: Client, person: User, food_project: Project
) -> None:
    client.force_login(person)

    client.post(reverse("classifier:home"), {"photo": SimpleUploadedFile("a.jpg", photo), "project": food_project.pk})
    assert readings == [len(photo)]

    give_verdict(prediction=Prediction.objects.get(), value=Verdict.Value.NOK, by=person)
    assert len(readings) == 2


def test_photo_of_a_program_is_read_once(
    photo: bytes, readings: list[int], client: Client, food_project: Project
) -> None:
    _, key = create_key(name="tests", scope=ApiKey.Scope.ALL, by=None)
    path = f"/customvision/v3.1/prediction/{food_project.uid}/classify/iterations/live/image"

    client.post(path, photo, content_type="application/octet-stream", headers={"Prediction-key": key})

    assert StoredPrediction.objects.exists()
    assert readings == [len(photo)]


def test_training_image_is_read_once_and_once_more_to_be_embedded(photo: bytes, readings: list[int]) -> None:
    upload = ImageUpload("a.jpg", photo)

    (result,) = upload_images(project=factories.make_project(), batch=[upload], by=None)
    assert readings == [len(photo)]

    assert result.image
    embed([result.image.picture], backbone=backbones.get("efficientnet-lite0"), threads=1)
    assert len(readings) == 2


def test_training_image_is_read_once_on_its_way_to_azure(photo: bytes, readings: list[int], settings: Settings) -> None:
    project = factories.make_project(backend="customvision", remote_id=azure_training.PROJECT_ID)

    with azure_training.listening(settings) as azure:
        azure.on("POST", azure_training.FILES, azure_training.images_received())
        (result,) = CustomVisionTrainer().upload_images(project, [ImageUpload("a.jpg", photo)], by=None)

    assert result.status.is_ok
    assert readings == [len(photo)]
