"""Pictures that wait for the storage: shown, used, put off, discarded like any other."""

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from catalog import embedding, storage
from catalog.exceptions import StorageUnavailable
from catalog.models import Picture, Vector, WaitingBlob
from catalog.services import deliver_waiting, discard_picture, read_picture, store_picture
from engine import backbones
from tests import factories

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]


def keep(content: bytes, *, may_wait: bool = True, by: User | None = None) -> Picture:
    return store_picture(factories.admit(content), by=by, may_wait=may_wait)


@pytest.fixture
def photo() -> bytes:
    return factories.make_photo()


@pytest.fixture
def waiting(photo: bytes, person: User, storage_refuses: None) -> Picture:
    """A picture that the storage has just refused, and would refuse again."""
    return keep(photo, by=person)


def make_due() -> None:
    WaitingBlob.objects.update(next_try_at=timezone.now())


def test_picture_that_waits_is_shown(waiting: Picture, developer: User, signed_in: SignIn, settings: Settings) -> None:
    browser = signed_in(developer)

    whole = browser.get(reverse("catalog:picture", args=[waiting.sha256]))
    small = browser.get(reverse("catalog:thumbnail", args=[waiting.sha256]))

    assert whole.content == bytes(WaitingBlob.objects.get().content)
    assert small.status_code == HTTPStatus.OK


def test_browser_gets_no_link_to_a_blob_that_is_not_there(
    azure_blobs: None, developer: User, signed_in: SignIn, settings: Settings
) -> None:
    settings.CLASSIFR_SAS_SECONDS = 60
    picture = factories.make_picture()
    WaitingBlob.objects.create(picture=picture, content=b"waiting", next_try_at=timezone.now())

    answer = signed_in(developer).get(reverse("catalog:picture", args=[picture.sha256]))

    assert answer.content == b"waiting"


def test_picture_that_waits_can_be_embedded(waiting: Picture, settings: Settings, tmp_path: Path) -> None:
    backend = {"BACKEND": "catalog.storage.LocalBlobs", "OPTIONS": {"location": tmp_path / "empty"}}
    settings.STORAGES = settings.STORAGES | {"default": backend}

    failures = embedding.embed([waiting], backbone=backbones.get("efficientnet-lite0-food-int8", threads=1), threads=1)

    assert failures == []
    assert Vector.objects.get().picture == waiting


def test_second_refusal_is_put_off_twice_as_long_and_none_beyond_a_quarter_of_an_hour(waiting: Picture) -> None:
    waits = []
    for _ in range(10):
        now = timezone.now()
        make_due()
        assert deliver_waiting() == 0
        waits.append(round((WaitingBlob.objects.get().next_try_at - now).total_seconds(), -1))

    assert waits == [20, 40, 80, 160, 320, 640, 900, 900, 900, 900]
    assert WaitingBlob.objects.get().attempts == 11


def test_round_ends_at_the_first_refusal(waiting: Picture) -> None:
    keep(factories.make_photo())
    make_due()

    assert deliver_waiting() == 0
    assert sorted(WaitingBlob.objects.values_list("attempts", flat=True)) == [0, 2]


def test_blob_that_is_put_off_is_not_tried(waiting: Picture) -> None:
    assert deliver_waiting() == 0
    assert WaitingBlob.objects.get().attempts == 1


def test_blob_that_was_put_off_before_the_clock_went_back_is_tried(waiting: Picture) -> None:
    WaitingBlob.objects.update(next_try_at=timezone.now() + timedelta(days=400))

    deliver_waiting()

    assert WaitingBlob.objects.get().attempts == 2


def test_storage_is_asked_again_when_nothing_is_put_off(waiting: Picture) -> None:
    WaitingBlob.objects.update(next_try_at=timezone.now() - timedelta(seconds=1))

    keep(factories.make_photo())

    assert list(WaitingBlob.objects.values_list("attempts", flat=True)) == [1, 1]


def test_same_photo_waits_once(waiting: Picture, photo: bytes) -> None:
    assert keep(photo) == waiting
    assert WaitingBlob.objects.count() == 1


def test_what_is_uploaded_for_training_does_not_wait(waiting: Picture) -> None:
    with pytest.raises(StorageUnavailable):
        keep(factories.make_photo(), may_wait=False)

    assert Picture.objects.get() == waiting


def test_note_of_the_refusal_names_no_place(waiting: Picture, tmp_path: Path) -> None:
    assert WaitingBlob.objects.get().last_error == "File exists"


def test_picture_that_waits_is_discarded_without_the_storage(waiting: Picture) -> None:
    make_due()

    assert discard_picture(waiting)
    assert not Picture.objects.exists()
    assert not WaitingBlob.objects.exists()


def test_what_a_refusal_left_behind_is_discarded_too(blobs: Path) -> None:
    """The storage took the bytes, and its answer never came."""
    picture = factories.make_picture()
    WaitingBlob.objects.create(picture=picture, content=b"bytes", next_try_at=timezone.now())

    discard_picture(picture)

    assert not storage.has_blob(picture.blob_key)


def test_bytes_in_the_storage_are_read_from_there(blobs: Path) -> None:
    picture = factories.make_picture()

    assert read_picture(picture) == storage.read_blob(picture.blob_key)
