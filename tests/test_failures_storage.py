"""The storage fails for real: what becomes of each photo that is judged meanwhile."""

import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from catalog import azure_blobs, storage
from catalog.models import Picture, WaitingBlob
from catalog.services import deliver_waiting, discard_picture
from classifier.models import PendingPhoto, Prediction
from feedback.models import Misprediction, Verdict
from jobs.services import queue_due_tasks
from tests import factories
from tests.azurite import Azurite
from tests.conftest import start_azurite
from training.models import Project

pytestmark = pytest.mark.django_db(transaction=True)
Answer: TypeAlias = Any  # the test client's response


@pytest.fixture
def site(person: User) -> Client:
    browser = Client(headers={"accept-language": "en"})
    browser.force_login(person)
    return browser


@pytest.fixture
def review(reviewer: User) -> Client:
    browser = Client(headers={"accept-language": "en"})
    browser.force_login(reviewer)
    return browser


@pytest.fixture
def send(site: Client, food_project: Project) -> Callable[[], Prediction]:
    """Send another photo, which then waits for its verdict."""

    def send() -> Prediction:
        photo = SimpleUploadedFile("p.jpg", factories.make_photo(size=(1600, 1200), quality=95))
        site.post(reverse("classifier:home"), {"photo": photo, "project": food_project.pk})
        return Prediction.objects.latest("pk")

    return send


@pytest.fixture
def azurite_alone(settings: Settings) -> Iterator[Azurite]:
    """The storage is an Azurite that the test may stop."""
    server = start_azurite()
    options = {"connection_string": server.connection_string, "azure_container": "photos", "overwrite_files": True}
    backend = {"BACKEND": "catalog.azure_blobs.AzureBlobs", "OPTIONS": options}
    settings.STORAGES = settings.STORAGES | {"default": backend}
    yield server
    server.end()


@pytest.fixture
def full_disk() -> Iterator[Callable[[], None]]:
    """No file of this process can grow past 64 KiB until the test calls this, as on a disk that is full midway."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def make_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, limits[1]))
    yield make_room
    make_room()


def say_nok(site: Client, prediction: Prediction) -> Answer:
    return site.post(reverse("feedback:give", args=[prediction.pk]), {"verdict": "NOK"})


def is_confirmed(answer: Answer, prediction: Prediction) -> bool:
    confirmation = reverse("feedback:confirmation", args=[prediction.pk])
    return bool(answer.status_code == HTTPStatus.FOUND and answer.headers["Location"] == confirmation)


def make_all_due() -> None:
    WaitingBlob.objects.update(next_try_at=timezone.now())


def test_photos_judged_while_the_storage_is_stopped_are_delivered_later(
    azurite_alone: Azurite, site: Client, review: Client, send: Callable[[], Prediction]
) -> None:
    predictions = [send() for _ in range(3)]
    contents = {bytes(photo.content) for photo in PendingPhoto.objects.all()}
    azurite_alone.stop()

    answers = [say_nok(site, each) for each in predictions]

    assert [is_confirmed(*pair) for pair in zip(answers, predictions, strict=True)] == [True] * 3
    assert (Verdict.objects.count(), PendingPhoto.objects.count()) == (3, 0)
    assert {bytes(each.content) for each in WaitingBlob.objects.all()} == contents
    page = review.get(reverse("feedback:mispredictions")).content.decode()
    assert page.count("Waiting for the storage") == 3
    whole = review.get(reverse("feedback:misprediction_photo", args=[Misprediction.objects.latest("pk").pk]))
    assert whole.content in contents

    azurite_alone.start()
    make_all_due()

    assert deliver_waiting() == 3
    assert not WaitingBlob.objects.exists()
    assert {storage.read_blob(picture.blob_key) for picture in Picture.objects.all()} == contents
    assert "Waiting" not in review.get(reverse("feedback:mispredictions")).content.decode()


@pytest.mark.slow
def test_storage_that_hangs_is_asked_by_one_verdict_alone(
    azurite_alone: Azurite, site: Client, send: Callable[[], Prediction], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(azure_blobs, "READ_TIMEOUT_S", 1)
    first, second = send(), send()
    azurite_alone.freeze()

    answers = [say_nok(site, first), say_nok(site, second)]

    assert is_confirmed(answers[0], first)
    assert is_confirmed(answers[1], second)
    refused, unasked = WaitingBlob.objects.order_by("pk")
    assert (refused.attempts, refused.last_error) == (1, "ServiceResponseTimeoutError")
    assert (unasked.attempts, unasked.last_error) == (0, "")


def test_disk_that_is_full_midway_leaves_no_half_file(
    site: Client,
    send: Callable[[], Prediction],
    blobs: Path,
    full_disk: Callable[[], None],
) -> None:
    prediction = send()
    content = bytes(PendingPhoto.objects.get().content)
    assert len(content) > 64 * 1024

    answer = say_nok(site, prediction)

    assert is_confirmed(answer, prediction)
    assert WaitingBlob.objects.get().last_error == "File too large"
    assert [path for path in (blobs / "pictures").rglob("*") if path.is_file()] == []

    full_disk()
    make_all_due()

    assert deliver_waiting() == 1
    assert storage.read_blob(Picture.objects.get().blob_key) == content


def test_worker_delivers_by_its_schedule(
    site: Client, send: Callable[[], Prediction], blobs: Path, settings: Settings
) -> None:
    prediction = send()
    blobs.mkdir(exist_ok=True)
    (blobs / "pictures").write_bytes(b"in the way")
    say_nok(site, prediction)
    (blobs / "pictures").unlink()
    make_all_due()

    queue_due_tasks()
    call_command("db_worker", batch=True, interval=0, startup_delay=False, reload=False, verbosity=0)

    assert not WaitingBlob.objects.exists()
    assert storage.has_blob(Misprediction.objects.get().picture.blob_key)


@pytest.fixture
def waiting_picture(blobs: Path) -> Picture:
    """A picture whose bytes are due for delivery."""
    picture = factories.make_picture()
    content = storage.read_blob(picture.blob_key)
    storage.delete_blob(picture.blob_key)
    WaitingBlob.objects.create(picture=picture, content=content, next_try_at=timezone.now())
    return picture


@pytest.fixture
def stopped_midway(blobs: Path, waiting_picture: Picture) -> Iterator["subprocess.Popen[str]"]:
    """A process that has written the blob, holds the row, and stays like that before its commit."""
    database = connection.settings_dict
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgres://{database['USER']}@/{database['NAME']}?host={database['HOST']}",
        "CLASSIFR_VAR": str(blobs.parent),
        "DJANGO_SETTINGS_MODULE": "classifr.settings",
    }
    code = (
        "import django, time; django.setup(); from catalog import services, storage; write = storage.write_blob\n"
        "def write_and_stay(key, content): write(key, content); print('written', flush=True); time.sleep(600)\n"
        "storage.write_blob = write_and_stay; services.deliver_waiting()"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, text=True, cwd=django_settings.BASE_DIR
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "written\n"
        yield process
        process.kill()


def kill(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def files(blobs: Path) -> list[Path]:
    return [path for path in blobs.rglob("*") if path.is_file()]


def test_photo_whose_delivery_was_killed_is_delivered_again(
    blobs: Path, waiting_picture: Picture, stopped_midway: "subprocess.Popen[str]"
) -> None:
    content = bytes(WaitingBlob.objects.get().content)
    assert deliver_waiting() == 0  # the other has it

    kill(stopped_midway)
    wait_for_the_row()

    assert deliver_waiting() == 1
    assert not WaitingBlob.objects.exists()
    assert [path.read_bytes() for path in files(blobs)] == [content]


def test_photo_discarded_after_its_delivery_was_killed_leaves_nothing(
    blobs: Path, waiting_picture: Picture, stopped_midway: "subprocess.Popen[str]"
) -> None:
    assert len(files(blobs)) == 1

    kill(stopped_midway)

    assert discard_picture(waiting_picture)
    assert files(blobs) == []
    assert not WaitingBlob.objects.exists()


def wait_for_the_row() -> None:
    """Wait until the database has noticed that the one who held the row is dead."""
    with transaction.atomic():
        WaitingBlob.objects.select_for_update().get()


def test_photo_discarded_while_it_is_delivered_leaves_nothing(
    blobs: Path, waiting_picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, going = threading.Event(), threading.Event()
    write = storage.write_blob

    def write_slowly(key: str, content: bytes) -> None:
        write(key, content)
        written.set()
        going.wait(20)

    monkeypatch.setattr(storage, "write_blob", write_slowly)

    def deliver() -> None:
        deliver_waiting()
        connection.close()

    def discard() -> None:
        discard_picture(waiting_picture)
        connection.close()

    delivery = threading.Thread(target=deliver)
    delivery.start()
    assert written.wait(20)
    discarding = threading.Thread(target=discard)
    discarding.start()
    discarding.join(0.5)
    assert discarding.is_alive()  # it waits: what is written now it must delete
    going.set()
    delivery.join(20)
    discarding.join(20)

    assert not Picture.objects.exists()
    assert files(blobs) == []


def test_two_workers_deliver_each_photo_once(blobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = [factories.make_picture() for _ in range(20)]
    for picture in pictures:
        content = storage.read_blob(picture.blob_key)
        storage.delete_blob(picture.blob_key)
        WaitingBlob.objects.create(picture=picture, content=content, next_try_at=timezone.now())
    written: list[str] = []
    counts: list[int] = []
    write, barrier = storage.write_blob, threading.Barrier(2)

    def write_and_note(key: str, content: bytes) -> None:
        write(key, content)
        written.append(key)

    monkeypatch.setattr(storage, "write_blob", write_and_note)

    def work() -> None:
        barrier.wait()
        counts.append(deliver_waiting())
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(written) == sorted(picture.blob_key for picture in pictures)
    assert sum(counts) == 20
    assert not WaitingBlob.objects.exists()
