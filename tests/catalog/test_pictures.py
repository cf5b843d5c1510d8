"""Pictures are kept once, shown to those who may see them, and let go whole."""

import io
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import numpy as np
import pytest
from azure.core.utils import parse_connection_string
from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from PIL import Image
from pytest_django import Settings

from accounts.models import User
from catalog import services, storage
from catalog.exceptions import StorageUnavailable
from catalog.models import Picture, Vector
from tests import factories

SignIn = Callable[[User], Client]


@pytest.mark.django_db
def test_picture_is_kept_without_its_metadata(any_blobs: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret place"

    picture = factories.make_picture(exif=exif)

    assert b"a secret place" not in storage.read_blob(picture.blob_key)
    assert (picture.format, picture.width, picture.height) == ("JPEG", 320, 240)


@pytest.mark.django_db
def test_same_content_is_kept_once(any_blobs: str) -> None:
    content = factories.make_photo()

    first, second = (factories.make_picture(content=content) for _ in range(2))

    assert first == second
    assert Picture.objects.count() == 1


@pytest.mark.django_db
def test_row_goes_back_when_the_storage_refuses(storage_refuses: None) -> None:
    with pytest.raises(StorageUnavailable):
        factories.make_picture()

    assert not Picture.objects.exists()


@pytest.mark.django_db
def test_discarded_picture_leaves_nothing(any_blobs: str) -> None:
    picture = factories.make_picture()
    services.store_vector(picture=picture, backbone="b", value=np.zeros(4, np.float32))

    assert services.discard_picture(picture)

    assert not Picture.objects.exists()
    assert not Vector.objects.exists()
    assert not default_storage.exists(picture.blob_key)


@pytest.mark.django_db
def test_picture_that_is_still_needed_stays(any_blobs: str) -> None:
    picture = factories.make_misprediction().picture

    assert not services.discard_picture(picture)

    assert default_storage.exists(picture.blob_key)


@pytest.mark.django_db(transaction=True)
def test_picture_kept_again_while_it_is_discarded_has_its_blob() -> None:
    content = factories.make_photo()
    picture = factories.make_picture(content=content)
    deleted, finished = threading.Event(), threading.Event()

    def keep_again() -> None:
        deleted.wait(10)
        factories.make_picture(content=content)
        finished.set()
        connection.close()

    other = threading.Thread(target=keep_again)
    other.start()
    with transaction.atomic():
        services.discard_picture(picture)
        deleted.set()
        assert not finished.wait(0.3)
    other.join(10)

    assert default_storage.exists(Picture.objects.get().blob_key)


@pytest.mark.django_db
def test_vector_is_kept_once_for_each_backbone() -> None:
    picture = factories.make_picture()
    value = np.arange(4, dtype=np.float32)

    services.store_vector(picture=picture, backbone="b", value=value)
    services.store_vector(picture=picture, backbone="b", value=value + 1)

    np.testing.assert_array_equal(Vector.objects.get().value, value)


@pytest.mark.django_db
def test_database_refuses_a_second_row_for_one_content() -> None:
    picture = factories.make_picture()

    with pytest.raises(IntegrityError, match="sha256"):
        Picture.objects.create(sha256=picture.sha256, format="JPEG", width=1, height=1, byte_size=1, blob_key="other")


@pytest.mark.parametrize("name", ["catalog:picture", "catalog:thumbnail"])
def test_picture_is_shown_to_developers_alone(
    signed_in: SignIn, person: User, reviewer: User, developer: User, any_blobs: str, name: str
) -> None:
    url = reverse(name, args=[factories.make_picture(created_by=person).sha256])

    statuses = [signed_in(user).get(url).status_code for user in (developer, reviewer, person)]

    assert statuses == [HTTPStatus.OK, HTTPStatus.NOT_FOUND, HTTPStatus.NOT_FOUND]


def test_browser_keeps_the_picture_to_itself(signed_in: SignIn, developer: User) -> None:
    url = reverse("catalog:thumbnail", args=[factories.make_picture().sha256])
    browser = signed_in(developer)

    first = browser.get(url)
    second = browser.get(url, headers={"if-none-match": first.headers["ETag"]})

    assert first.headers["Cache-Control"] == "private, no-cache"
    assert (first.status_code, second.status_code) == (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED)


def test_picture_that_is_erased_is_not_shown_from_the_browser_either(signed_in: SignIn, developer: User) -> None:
    picture = factories.make_picture()
    url = reverse("catalog:picture", args=[picture.sha256])
    browser = signed_in(developer)
    known = browser.get(url).headers["ETag"]

    Picture.objects.all().delete()

    assert browser.get(url, headers={"if-none-match": known}).status_code == HTTPStatus.NOT_FOUND


def test_known_etag_tells_a_stranger_nothing(signed_in: SignIn, db: None) -> None:
    sha256 = factories.make_picture().sha256
    url = reverse("catalog:picture", args=[sha256])

    answer = signed_in(factories.make_user()).get(url, headers={"if-none-match": f'"{sha256}"'})

    assert answer.status_code == HTTPStatus.NOT_FOUND


def test_thumbnail_is_small_and_made_once(signed_in: SignIn, developer: User) -> None:
    picture = factories.make_picture(size=(2000, 1500))
    url = reverse("catalog:thumbnail", args=[picture.sha256])
    browser = signed_in(developer)

    shown = Image.open(io.BytesIO(browser.get(url).content))
    default_storage.delete(picture.blob_key)

    assert max(shown.size) == services.THUMBNAIL_SIDE
    assert browser.get(url).status_code == HTTPStatus.OK


def test_storage_that_is_away_answers_503(signed_in: SignIn, developer: User) -> None:
    picture = factories.make_picture()
    default_storage.delete(picture.blob_key)

    answer = signed_in(developer).get(reverse("catalog:picture", args=[picture.sha256]))

    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE


def test_browser_is_sent_to_a_link_that_expires(
    signed_in: SignIn, developer: User, azure_blobs: None, settings: Settings
) -> None:
    settings.CLASSIFR_SAS_SECONDS = 60
    picture = factories.make_picture()

    answer = signed_in(developer).get(reverse("catalog:picture", args=[picture.sha256]))

    assert answer.status_code == HTTPStatus.FOUND
    assert "sig=" in answer.headers["Location"]


def test_storage_that_cannot_sign_shows_pictures_by_itself(
    signed_in: SignIn, developer: User, azure_blobs: None, azurite: str, settings: Settings
) -> None:
    """A connection string with a signature in place of the key."""
    picture = factories.make_picture()
    account = ResourceTypes(service=True, container=True, object=True)
    rights = AccountSasPermissions(read=True, write=True, delete=True, list=True, create=True)
    until = datetime.now(UTC) + timedelta(hours=1)
    parts = parse_connection_string(azurite)
    signature = generate_account_sas(parts["accountname"], parts["accountkey"], account, rights, until)
    signed = f"BlobEndpoint={parts['blobendpoint']};SharedAccessSignature={signature}"
    own: dict[str, Any] = settings.STORAGES["default"]
    options = own["OPTIONS"] | {"connection_string": signed}
    settings.STORAGES = settings.STORAGES | {"default": own | {"OPTIONS": options}}
    settings.CLASSIFR_SAS_SECONDS = 60

    answer = signed_in(developer).get(reverse("catalog:picture", args=[picture.sha256]))

    assert answer.status_code == HTTPStatus.OK
    assert answer.content == storage.read_blob(picture.blob_key)
    assert "sig=" not in storage.blobs().address(picture.blob_key)


@pytest.mark.django_db
def test_container_is_private(azure_blobs: None) -> None:
    import requests

    address = storage.blobs().address(factories.make_picture().blob_key)

    assert requests.get(address, timeout=5).status_code in {403, 404}


def test_blobs_are_listed_by_folder(any_blobs: str) -> None:
    assert list(storage.stored_blobs("")) == []
    for key in ("one/a/b", "one/c", "ones/d"):
        storage.write_blob(key, b"12345")

    found = {blob.key: blob for blob in storage.stored_blobs("one/")}

    assert sorted(found) == ["one/a/b", "one/c"]
    assert found["one/c"].byte_size == 5
    assert abs(datetime.now(UTC) - found["one/c"].modified_at) < timedelta(minutes=1)
