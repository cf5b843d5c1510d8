"""Whether a process can answer photos, and how it gets ready to."""

import subprocess
from contextlib import suppress
from pathlib import Path
from unittest.mock import Mock

import pytest
from django.core.files.storage import default_storage
from django.db import OperationalError, connection
from django.test import Client
from pytest_django import Settings

from catalog import storage
from classifier import readiness
from classifier.backends import local
from classifier.models import Prediction
from classifr import views
from engine import backbones
from tests import factories
from tests.azurecv.azure import PROJECT_ID
from training.models import Project

READY = b"database=ok\nstorage=ok\nmodel=ok\n"


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "last_state", views.LastState())
    local._head.cache_clear()


def test_site_with_its_model_is_ready(client: Client, food_project: Project) -> None:
    answer = client.get("/readyz")

    assert (answer.status_code, answer.content) == (200, READY)


def test_site_before_its_first_model_is_ready(client: Client, db: None) -> None:
    assert client.get("/readyz").content == b"database=ok\nstorage=ok\nmodel=none\n"


def test_project_at_azure_needs_no_model_here(client: Client, db: None) -> None:
    factories.make_project(backend="customvision", remote_id=PROJECT_ID)

    answer = client.get("/readyz")

    assert (answer.status_code, answer.content) == (200, b"database=ok\nstorage=ok\nmodel=remote\n")


def test_site_without_its_storage_is_not_ready(
    client: Client, food_project: Project, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("storage_refuses")

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.content == b"database=ok\nstorage=missing\nmodel=unreachable\n"


def test_site_whose_azure_does_not_answer_is_not_ready(
    client: Client, food_project: Project, settings: Settings
) -> None:
    assert food_project.live_iteration
    local.load(food_project.live_iteration)
    nobody = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:9/a;"
    options = {"connection_string": nobody, "azure_container": "c", "overwrite_files": True, "timeout": 20}
    backend = {"BACKEND": "catalog.azure_blobs.AzureBlobs", "OPTIONS": options}
    settings.STORAGES = settings.STORAGES | {"default": backend}

    answer = client.get("/readyz")

    assert answer.content == b"database=ok\nstorage=unreachable\nmodel=ok\n"


def test_spoiled_model_is_not_ready(client: Client, food_project: Project) -> None:
    live = food_project.live_iteration
    assert live
    with default_storage.open(live.head_key, "wb") as file:
        file.write(b"spoiled")

    answer = client.get("/readyz")

    assert (answer.status_code, answer.content) == (503, b"database=ok\nstorage=ok\nmodel=broken\n")


def test_site_without_its_database_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("could not connect: password=secret")

    monkeypatch.setattr(readiness, "default_project", away)

    answer = client.get("/readyz")

    assert (answer.status_code, answer.content) == (503, b"database=unreachable\nstorage=unknown\nmodel=unknown\n")


def fail_with(code: str) -> str:
    return f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}'; END $$"


@pytest.mark.parametrize(("code", "word"), [("53100", "full"), ("25006", "read-only"), ("57P01", "unreachable")])
def test_site_whose_database_takes_nothing_is_not_ready(
    client: Client, food_project: Project, monkeypatch: pytest.MonkeyPatch, code: str, word: str
) -> None:
    monkeypatch.setattr(readiness, "_WRITE", fail_with(code))

    answer = client.get("/readyz")

    assert (answer.status_code, answer.content) == (503, f"database={word}\nstorage=ok\nmodel=ok\n".encode())


@pytest.mark.django_db(transaction=True)
def test_database_that_can_only_be_read_is_not_ready(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only TO on")
        answer = client.get("/readyz")
        cursor.execute("SET default_transaction_read_only TO off")

    assert answer.content == b"database=read-only\nstorage=ok\nmodel=none\n"


@pytest.fixture
def small_blobs(small_disk: Path, settings: Settings) -> Path:
    """The folder of blobs, on a disk of 1 MiB."""
    folder = small_disk / "blobs"
    backend = {"BACKEND": "catalog.storage.LocalBlobs", "OPTIONS": {"location": folder}}
    settings.STORAGES = settings.STORAGES | {"default": backend}
    return folder


def test_site_whose_disk_is_full_is_not_ready_until_there_is_room(
    client: Client, db: None, small_blobs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    answers = [client.get("/readyz")]
    filling = small_blobs.parent / "filling"
    with suppress(OSError), filling.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    for _ in range(2):
        views.last_state.until = 0.0
        answers.append(client.get("/readyz"))
    filling.unlink()
    views.last_state.until = 0.0
    answers.append(client.get("/readyz"))

    assert [answer.status_code for answer in answers] == [200, 503, 503, 200]
    assert answers[1].content == b"database=ok\nstorage=full\nmodel=none\n"
    assert [record.message for record in caplog.records if record.name == "classifr.views"] == [
        "Readiness database=ok storage=ok model=none",
        "Readiness database=ok storage=full model=none",
        "Readiness database=ok storage=ok model=none",
    ]


def test_disk_that_can_only_be_read_is_not_ready(client: Client, db: None, small_blobs: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_blobs.parent], check=True)

    assert client.get("/readyz").content == b"database=ok\nstorage=read-only\nmodel=none\n"


def test_probe_is_no_blob_of_the_site(client: Client, food_project: Project) -> None:
    before = list(storage.stored_blobs(""))

    client.get("/readyz")

    assert list(storage.stored_blobs("")) == before
    assert storage.has_blob(storage.PROBE_KEY)


def test_many_probes_are_one_look(client: Client, food_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    look = Mock(wraps=readiness.find_state)
    monkeypatch.setattr(readiness, "find_state", look)

    assert {client.get("/readyz").content for _ in range(5)} == {READY}
    look.assert_called_once()


def test_probe_does_not_wait_for_one_that_hangs(client: Client, db: None) -> None:
    with views.last_state.looking:
        answer = client.get("/readyz")

    assert b"database=" in answer.content


def test_site_whose_database_hangs_is_not_ready_for_long(client: Client, food_project: Project) -> None:
    assert client.get("/readyz").status_code == 200
    views.last_state.until -= views.FRESH_S + views.BELIEVED_S  # so long ago

    with views.last_state.looking:  # by a thread that does not come back
        answer = client.get("/readyz")

    assert (answer.status_code, answer.content) == (503, b"database=unknown\nstorage=unknown\nmodel=unknown\n")


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_probes_only_ask(client: Client, db: None, method: str) -> None:
    assert getattr(client, method)("/readyz").status_code == 405


@pytest.mark.django_db(transaction=True)
def test_warm_process_has_its_model_loaded(food_project: Project) -> None:
    backbones.get.cache_clear()

    readiness.warm_up(at_most_s=60)

    assert local._head.cache_info().currsize == 1
    assert backbones.get.cache_info().currsize == 1
    assert not Prediction.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_process_starts_without_its_storage(
    food_project: Project, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    request.getfixturevalue("storage_refuses")

    readiness.warm_up(at_most_s=60)

    assert "Warm-up failed" in caplog.text
