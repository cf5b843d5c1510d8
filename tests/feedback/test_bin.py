"""The reviewers' bin: what is in it, restoring, and erasing for good, by hand and by the clock."""

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from acts.services import Doer
from catalog.models import Picture, Vector
from catalog.services import store_vector
from feedback.models import Misprediction, MispredictionQuerySet, Verdict
from feedback.services import bin, erasure, review
from feedback.tasks import empty_bin
from feedback.views.answers import PAGE_SIZE
from tests import factories
from tests.feedback.racing import at_once

SignIn = Callable[[User], Client]

BIN = "/mispredictions/bin/"
WHOLE = {"confirmed": "1"}


@pytest.fixture
def site(signed_in: SignIn, reviewer: User) -> Client:
    return signed_in(reviewer)


def binned(*, days: float = 0, **fields: object) -> Misprediction:
    """Make a photo that was put in the bin so many days ago."""
    return factories.make_misprediction(deleted_at=timezone.now() - timedelta(days=days), **fields)


def obstruct(row: Misprediction, blobs: Path) -> None:
    """Make the storage refuse to delete that one photo."""
    default_storage.delete(row.picture.blob_key)
    (blobs / row.picture.blob_key / "in the way").mkdir(parents=True)


def restored_now(rows: MispredictionQuerySet) -> list[int]:
    return review.restore(rows, by=Doer.command("test")).changed


def clear(row: Misprediction, blobs: Path) -> None:
    (blobs / row.picture.blob_key / "in the way").rmdir()
    (blobs / row.picture.blob_key).rmdir()


def test_deleted_photo_says_when_and_by_whom(site: Client, reviewer: User) -> None:
    row = factories.make_misprediction()

    site.post(reverse("feedback:act"), {"act": "delete", "ids": row.pk})
    page = site.get(BIN)

    assert [each.pk for each in page.context["page"].rows] == [row.pk]
    assert reviewer.username in page.content.decode()
    assert "30 jours restants" in page.content.decode() or "30 days left" in page.content.decode()


@pytest.mark.parametrize(("days", "left"), [(0, 30), (0.5, 30), (1.5, 29), (29.9, 1), (30, 0), (400, 0)])
def test_days_left_count_those_begun(db: None, days: float, left: int) -> None:
    assert binned(days=days).days_left == left


def test_last_deleted_come_first_page_by_page(site: Client) -> None:
    picture, user, moment = factories.make_picture(), factories.make_user(), timezone.now()
    rows = [factories.make_misprediction(picture=picture, user=user, deleted_at=moment) for _ in range(PAGE_SIZE)]
    older = factories.make_misprediction(picture=picture, user=user, deleted_at=moment - timedelta(days=1))
    newer = factories.make_misprediction(picture=picture, user=user, deleted_at=moment + timedelta(seconds=1))

    first = site.get(BIN)
    second = site.get(BIN + first.context["page"].next_url)

    shown = [each.pk for page in (first, second) for each in page.context["page"].rows]
    assert shown == [newer.pk, *(each.pk for each in reversed(rows)), older.pk]
    assert second.context["page"].next_url == ""


@pytest.mark.parametrize("before", ["x", "7", "7@", "7@yesterday", "7@2026-13-40T00:00", "7@2026-01-01T00:00:00"])
def test_nonsense_in_the_address_shows_the_first_page(site: Client, before: str) -> None:
    row = binned()

    assert list(site.get(BIN, {"before": before}).context["page"].rows) == [row]


def test_number_of_queries_does_not_grow(
    site: Client, reviewer: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(2):
        for _ in range(3):
            binned(deleted_by=reviewer)
        with django_assert_num_queries(5):
            site.get(BIN)


def test_restored_photo_is_back_in_its_place(site: Client) -> None:
    rows = [factories.make_misprediction().pk for _ in range(3)]
    site.post(reverse("feedback:act"), {"act": "delete", "ids": rows[1]})

    site.post(reverse("feedback:act"), {"act": "restore", "ids": rows[1]})

    assert [each.pk for each in site.get("/mispredictions/").context["page"].rows] == rows[::-1]
    assert Misprediction.objects.get(pk=rows[1]).deleted_by is None


def test_photo_in_the_bin_is_shown_whole_with_a_way_out(site: Client) -> None:
    page = site.get(reverse("feedback:misprediction", args=[binned().pk])).content.decode()

    assert 'name="act" value="restore"' in page
    assert 'name="act" value="delete"' not in page


def test_erasing_asks_first(site: Client) -> None:
    row = binned()

    answer = site.post(reverse("feedback:erase"), {"ids": row.pk})

    assert answer.context["mispredictions"] == [row]
    assert Misprediction.objects.exists()


def test_confirmed_erasing_takes_rows_photos_and_vectors(site: Client, any_blobs: str) -> None:
    gone = [binned() for _ in range(2)]
    stays = binned()
    store_vector(picture=gone[0].picture, backbone="b", value=[1.0, 2.0])  # type: ignore[arg-type]

    site.post(reverse("feedback:erase"), {"ids": [each.pk for each in gone], **WHOLE})

    assert Misprediction.objects.get() == stays
    assert Picture.objects.get() == stays.picture
    assert not Vector.objects.exists()
    assert not any(default_storage.exists(each.picture.blob_key) for each in gone)
    assert default_storage.exists(stays.picture.blob_key)


def test_what_is_not_in_the_bin_cannot_be_erased(site: Client) -> None:
    row = factories.make_misprediction()

    site.post(reverse("feedback:erase"), {"ids": row.pk, **WHOLE})

    assert Misprediction.objects.in_review().get() == row


def test_verdicts_outlive_their_photos(site: Client) -> None:
    site.post(reverse("feedback:erase"), {"ids": binned().pk, **WHOLE})

    assert Verdict.objects.get().value == "NOK"


def test_photo_of_two_rows_stays_until_the_second_goes(site: Client) -> None:
    picture = factories.make_picture()
    first, second = (binned(picture=picture) for _ in range(2))

    site.post(reverse("feedback:erase"), {"ids": first.pk, **WHOLE})
    assert default_storage.exists(picture.blob_key)

    site.post(reverse("feedback:erase"), {"ids": second.pk, **WHOLE})
    assert not default_storage.exists(picture.blob_key)


def test_storage_that_refuses_keeps_the_row(site: Client, blobs: Path) -> None:
    row = binned()
    obstruct(row, blobs)

    answer = site.post(reverse("feedback:erase"), {"ids": row.pk, **WHOLE}, follow=True)

    assert Misprediction.objects.in_bin().get() == row
    assert Picture.objects.get() == row.picture
    assert len(list(answer.context["messages"])) == 1


def test_only_what_has_expired_is_emptied(db: None, any_blobs: str) -> None:
    expired, young, kept = binned(days=30), binned(days=29.9), factories.make_misprediction()

    assert empty_bin.call() == 1

    assert set(Misprediction.objects.all()) == {young, kept}
    assert not default_storage.exists(expired.picture.blob_key)


def test_number_of_days_is_a_setting(db: None, settings: Settings) -> None:
    settings.CLASSIFR_BIN_DAYS = 2
    binned(days=3)

    assert empty_bin.call() == 1


def test_one_that_the_storage_refuses_is_reported_and_tried_again(
    db: None, blobs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [binned(days=40) for _ in range(3)]
    obstruct(rows[1], blobs)

    with pytest.raises(CommandError, match="try again") as failure:
        call_command("empty_bin")

    assert failure.value.returncode == 1
    assert Misprediction.objects.get() == rows[1]
    printed = capsys.readouterr()
    assert "2 photos erased" in printed.out
    assert rows[1].picture.blob_key in printed.err

    clear(rows[1], blobs)
    call_command("empty_bin")
    assert not Misprediction.objects.exists()


def test_storage_that_is_away_is_not_asked_for_each(request: pytest.FixtureRequest, db: None) -> None:
    count = bin.MOST_REFUSALS + 2
    for _ in range(count):
        binned(days=40)
    request.getfixturevalue("storage_refuses")
    refused: list[str] = []

    assert bin.empty_bin(days=30, report=refused.append) == 0

    assert len(refused) == bin.MOST_REFUSALS
    assert Misprediction.objects.count() == count


def test_dry_run_erases_nothing(db: None) -> None:
    binned(days=40)
    out = io.StringIO()

    call_command("empty_bin", "--dry-run", stdout=out)

    assert "1 photos would be erased" in out.getvalue()
    assert Misprediction.objects.exists()


def test_zero_days_empty_the_whole_bin(db: None) -> None:
    binned()
    kept = factories.make_misprediction()

    call_command("empty_bin", "--days", "0")

    assert Misprediction.objects.get() == kept


@pytest.mark.parametrize("days", ["-1", "99999999999"])
def test_impossible_days_are_asked_wrongly(db: None, days: str) -> None:
    with pytest.raises(CommandError) as failure:
        call_command("empty_bin", "--days", days)

    assert failure.value.returncode == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(3))
def test_restoring_and_erasing_at_once_leave_all_or_nothing(any_blobs: str, attempt: int) -> None:
    row = binned()
    mine = Misprediction.objects.filter(pk=row.pk)

    erased, restored = at_once(lambda: bin.erase_mispredictions(mine), lambda: len(restored_now(mine)))

    assert erased + restored == 1
    assert Misprediction.objects.in_review().exists() == bool(restored)
    assert default_storage.exists(row.picture.blob_key) == bool(restored)


@pytest.mark.django_db(transaction=True)
def test_erasing_twice_at_once_erases_once(any_blobs: str) -> None:
    row = binned()
    mine = Misprediction.objects.filter(pk=row.pk)

    counts = at_once(*[lambda: bin.erase_mispredictions(mine)] * 4)

    assert sorted(counts) == [0, 0, 0, 1]
    assert not Picture.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_rows_of_one_photo_erased_at_once_leave_no_blob(any_blobs: str) -> None:
    picture = factories.make_picture()
    rows = [binned(picture=picture) for _ in range(4)]

    def erase(row: Misprediction) -> Callable[[], int]:
        return lambda: bin.erase_mispredictions(Misprediction.objects.filter(pk=row.pk))

    assert at_once(*map(erase, rows)) == [1, 1, 1, 1]

    assert not Picture.objects.exists()
    assert not default_storage.exists(picture.blob_key)


@pytest.mark.django_db(transaction=True)
def test_sender_and_reviewer_erasing_at_once_leave_nothing(any_blobs: str) -> None:
    row = binned()
    prediction = row.prediction
    mine = Misprediction.objects.filter(pk=row.pk)

    at_once(lambda: bin.erase_mispredictions(mine), lambda: erasure.erase_predictions([prediction]))

    assert not Misprediction.objects.exists()
    assert not Verdict.objects.exists()
    assert not Picture.objects.exists()
    assert not default_storage.exists(row.picture.blob_key)
