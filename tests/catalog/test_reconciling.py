"""`reconcile_blobs` in both directions, for every folder that somebody owns."""

import io
import os
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from catalog import reconciliation, storage
from catalog.locks import lock_blobs_shared
from catalog.models import Picture, WaitingBlob
from catalog.services import store_picture
from tests import factories
from training.services.starter import install_starter

pytestmark = pytest.mark.django_db


def reconcile(*, dry_run: bool = False) -> list[str]:
    output = io.StringIO()
    call_command("reconcile_blobs", dry_run=dry_run, stdout=output)
    return output.getvalue().splitlines()


def counts(
    *, stored: int, deleted: int = 0, lost: int = 0, found: int = 0, waiting: int = 0, delivered: int = 0
) -> str:
    return (
        f"{stored} blobs: {deleted} deleted, {lost} lost, {found} found again; "
        f"{delivered} delivered, {waiting} still waiting."
    )


def write_old(blobs: Path, key: str) -> Path:
    """Write a blob two hours ago."""
    storage.write_blob(key, b"bytes")
    two_hours_ago = time.time() - 2 * 3600
    os.utime(blobs / key, (two_hours_ago, two_hours_ago))
    return blobs / key


def test_nothing_is_done_where_nothing_is_wrong(any_blobs: str) -> None:
    install_starter()
    picture = factories.make_picture()

    assert reconcile() == [counts(stored=3)]
    assert storage.has_blob(picture.blob_key)


@pytest.mark.parametrize("key", ["pictures/ab/abc", "heads/abc.safetensors", "snapshots/abc.safetensors"])
def test_blob_that_no_row_names_is_deleted(blobs: Path, key: str) -> None:
    path = write_old(blobs, key)

    assert reconcile() == [f"Deleted {key}", counts(stored=1, deleted=1)]
    assert not path.exists()


def test_blob_of_a_transaction_that_may_be_under_way_is_left(any_blobs: str) -> None:
    storage.write_blob("pictures/ab/abc", b"bytes")

    assert reconcile() == [counts(stored=1)]
    assert storage.has_blob("pictures/ab/abc")


def test_folder_that_nobody_owns_is_left(blobs: Path) -> None:
    path = write_old(blobs, "backups/abc")

    assert reconcile() == [counts(stored=0)]
    assert path.exists()


def test_blob_of_a_row_is_never_deleted_however_old(blobs: Path) -> None:
    iteration, _ = install_starter()
    picture = factories.make_picture()
    for key in (iteration.head_key, iteration.snapshot_key, picture.blob_key):
        write_old(blobs, key)

    assert reconcile() == [counts(stored=3)]


def test_blob_of_a_delivery_that_was_killed_is_left(blobs: Path) -> None:
    picture = factories.make_picture()
    WaitingBlob.objects.create(picture=picture, content=b"bytes", next_try_at=timezone.now() + timedelta(minutes=10))
    path = write_old(blobs, picture.blob_key)

    assert reconcile() == [counts(stored=1, waiting=1)]
    assert path.exists()


def test_what_a_write_that_was_cut_off_left_is_deleted(blobs: Path) -> None:
    old = write_old(blobs, "pictures/ab/.tmpabc")
    storage.write_blob("pictures/ab/.tmpnew", b"bytes")

    assert reconcile() == ["Deleted pictures/ab/.tmpabc", counts(stored=0, deleted=1)]
    assert not old.exists()
    assert (blobs / "pictures/ab/.tmpnew").exists()


def test_lost_picture_is_told_marked_and_found_again(any_blobs: str) -> None:
    content = factories.make_photo()
    picture = factories.make_picture(content=content)
    stored = storage.read_blob(picture.blob_key)
    storage.delete_blob(picture.blob_key)

    told = reconcile()

    picture.refresh_from_db()
    assert told == [f"Lost {picture.blob_key}, picture {picture.sha256}", counts(stored=0, lost=1)]
    assert picture.lost_at

    storage.write_blob(picture.blob_key, stored)

    assert reconcile() == [f"Found again {picture.blob_key}", counts(stored=1, found=1)]
    assert Picture.objects.get().lost_at is None


def test_lost_picture_that_is_sent_again_is_lost_no_more(blobs: Path) -> None:
    content = factories.make_photo()
    picture = factories.make_picture(content=content)
    storage.delete_blob(picture.blob_key)
    reconcile()

    store_picture(factories.admit(content), by=None)

    assert Picture.objects.get().lost_at is None
    assert storage.has_blob(picture.blob_key)


def test_lost_head_and_snapshot_are_told_by_their_iteration(blobs: Path) -> None:
    iteration, _ = install_starter()
    storage.delete_blob(iteration.head_key)
    storage.delete_blob(iteration.snapshot_key)

    assert reconcile() == [
        f"Lost {iteration.head_key}, head of Iteration 1 of Food-101",
        f"Lost {iteration.snapshot_key}, snapshot of Iteration 1 of Food-101",
        counts(stored=0, lost=2),
    ]


def test_waiting_picture_that_is_due_is_delivered(blobs: Path) -> None:
    picture = factories.make_picture()
    content = storage.read_blob(picture.blob_key)
    storage.delete_blob(picture.blob_key)
    WaitingBlob.objects.create(picture=picture, content=content, next_try_at=timezone.now())

    assert reconcile() == [counts(stored=1, delivered=1)]
    assert storage.read_blob(picture.blob_key) == content


def test_picture_that_waits_is_not_lost(blobs: Path) -> None:
    picture = factories.make_picture()
    storage.delete_blob(picture.blob_key)
    WaitingBlob.objects.create(picture=picture, content=b"bytes", next_try_at=timezone.now() + timedelta(minutes=10))

    assert reconcile() == [counts(stored=0, waiting=1)]
    assert Picture.objects.get().lost_at is None


def test_rehearsal_says_all_and_changes_nothing(blobs: Path) -> None:
    orphan, leftover = write_old(blobs, "pictures/ab/abc"), write_old(blobs, "heads/.tmpabc")
    lost, waiting = factories.make_picture(), factories.make_picture()
    for picture in (lost, waiting):
        storage.delete_blob(picture.blob_key)
    WaitingBlob.objects.create(picture=waiting, content=b"bytes", next_try_at=timezone.now())

    told = reconcile(dry_run=True)

    assert told == [
        "Would delete pictures/ab/abc",
        f"Lost {lost.blob_key}, picture {lost.sha256}",
        "Would delete heads/.tmpabc",
        "1 blobs: 2 would be deleted, 1 lost, 0 found again; 0 delivered, 1 still waiting.",
    ]
    assert orphan.exists()
    assert leftover.exists()
    assert not Picture.objects.exclude(lost_at=None).exists()
    assert WaitingBlob.objects.exists()


def test_storage_that_is_away_is_said(storage_refuses: None) -> None:
    Picture.objects.create(sha256="0" * 64, format="JPEG", width=1, height=1, byte_size=1, blob_key="pictures/00/0")

    with pytest.raises(CommandError, match="refused"):
        reconcile()

    assert Picture.objects.get().lost_at is None


@pytest.mark.django_db(transaction=True)
def test_old_blob_that_somebody_names_meanwhile_is_kept(blobs: Path) -> None:
    """The same content comes again just when its old blob, which no row names, is about to be deleted."""
    content = factories.make_photo()
    sha256 = factories.admit(content).sha256
    path = write_old(blobs, f"pictures/{sha256[:2]}/{sha256}")
    told: list[str] = []

    def clean() -> None:
        told.extend(reconcile())
        connection.close()

    cleaning = threading.Thread(target=clean)
    with transaction.atomic():
        lock_blobs_shared()
        cleaning.start()
        cleaning.join(1)
        assert cleaning.is_alive()
        store_picture(factories.admit(content), by=None)
    cleaning.join(20)

    assert told == [counts(stored=1)]
    assert path.read_bytes() == content


def test_many_are_deleted_in_several_steps(blobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciliation, "_BATCH", 2)
    for number in range(5):
        write_old(blobs, f"pictures/ab/{number}")

    assert reconcile()[-1] == counts(stored=5, deleted=5)


def test_pages_say_that_the_file_is_lost(reviewer: User, blobs: Path) -> None:
    row = factories.make_misprediction()
    storage.delete_blob(row.picture.blob_key)
    reconcile()
    browser = Client(headers={"accept-language": "en"})
    browser.force_login(reviewer)
    addresses = reverse("feedback:mispredictions"), reverse("feedback:misprediction", args=[row.pk])

    pages = [browser.get(address).content.decode() for address in addresses]

    for page in pages:
        assert "The file of this photo is lost." in page
        assert reverse("feedback:misprediction_photo", args=[row.pk]) not in page
        assert reverse("feedback:misprediction_thumbnail", args=[row.pk]) not in page
