"""The page "Mes envois": what is listed, who sees it, and what erasing takes along."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from catalog.models import Picture, Vector
from catalog.services import store_vector
from classifier.models import PendingPhoto, Prediction
from feedback.models import Misprediction, Verdict
from feedback.services import erasure, verdicts
from feedback.views.answers import PAGE_SIZE
from tests import factories
from tests.feedback.racing import at_once

SignIn = Callable[[User], Client]

LIST = "/uploads/"
EVERYTHING: tuple[Any, ...] = (Prediction, Verdict, Misprediction, PendingPhoto, Picture, Vector)


@pytest.fixture
def site(signed_in: SignIn, person: User) -> Client:
    return signed_in(person)


def make_waiting(user: User, **fields: object) -> Prediction:
    prediction = factories.make_prediction(user=user)
    values = {"content": factories.make_photo(), "expires_at": timezone.now() + timedelta(hours=1), **fields}
    PendingPhoto.objects.create(prediction=prediction, **values)
    return prediction


def erase(site: Client, *predictions: Prediction) -> list[str]:
    """Erase these and return what is said."""
    ids = [each.pk for each in predictions]
    page = site.post(reverse("feedback:delete_uploads"), {"ids": ids, "confirmed": "1"}, follow=True)
    return [str(each) for each in page.context["messages"]]


def test_own_predictions_are_listed_newest_first(site: Client, person: User) -> None:
    mine = [factories.make_prediction(user=person).pk for _ in range(3)]
    factories.make_prediction(user=factories.make_user())

    assert [each.pk for each in site.get(LIST).context["page"].rows] == mine[::-1]


def test_pages_follow_by_key(site: Client, person: User) -> None:
    project = factories.make_project()
    mine = [factories.make_prediction(user=person, project=project).pk for _ in range(PAGE_SIZE + 2)]

    second = site.get(LIST + site.get(LIST).context["page"].next_url)

    assert [each.pk for each in second.context["page"].rows] == mine[1::-1]


def test_number_of_queries_does_not_grow(
    site: Client, person: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(2):
        factories.make_misprediction(user=person)
        make_waiting(person)
        factories.make_prediction(user=person)
        with django_assert_num_queries(5):
            site.get(LIST)


def test_empty_list_leads_to_the_page(site: Client) -> None:
    page = site.get(LIST).content.decode()

    assert "encore envoyé aucune photo" in page


def test_link_is_in_everybodys_header(site: Client) -> None:
    assert f'href="{LIST}"' in site.get("/").content.decode()


def test_each_row_says_what_became_of_it(site: Client, person: User) -> None:
    kept, waiting = factories.make_misprediction(user=person).prediction, make_waiting(person)
    gone = factories.make_prediction(user=person)

    page = site.get(LIST).content.decode()

    def offered(name: str) -> list[bool]:
        return [f'"{reverse(name, args=[each.pk])}"' in page for each in (kept, waiting, gone)]

    assert offered("feedback:thumbnail") == [True, True, False]
    assert offered("feedback:undo") == [True, False, False]
    assert offered("feedback:give") == [False, True, True]


def test_what_nok_does_is_said_once_where_a_photo_waits(site: Client, person: User) -> None:
    factories.make_misprediction(user=person)
    assert "nok-notice" not in site.get(LIST).content.decode()
    waiting = [make_waiting(person).pk for _ in range(2)]

    page = site.get(LIST).content.decode()

    assert page.count('id="nok-notice"') == 1
    assert page.count('aria-describedby="nok-notice"') == len(waiting)


def test_photo_that_is_kept_is_shown_with_its_prediction(site: Client, person: User) -> None:
    kept = factories.make_misprediction(user=person).prediction

    page = site.get(reverse("classifier:prediction", args=[kept.pk])).content.decode()

    assert f'src="{reverse("feedback:photo", args=[kept.pk])}"' in page


@pytest.mark.parametrize("name", ["feedback:photo", "feedback:thumbnail"])
def test_photo_is_shown_to_its_sender_alone(
    signed_in: SignIn, person: User, reviewer: User, any_blobs: str, name: str
) -> None:
    kept, waiting = factories.make_misprediction(user=person).prediction, make_waiting(person)
    urls = [reverse(name, args=[each.pk]) for each in (kept, waiting)]

    assert {signed_in(person).get(url).status_code for url in urls} == {HTTPStatus.OK}
    assert {signed_in(reviewer).get(url).status_code for url in urls} == {HTTPStatus.NOT_FOUND}


@pytest.mark.parametrize("name", ["feedback:photo", "feedback:thumbnail"])
def test_browser_keeps_no_copy(site: Client, person: User, name: str) -> None:
    answer = site.get(reverse(name, args=[factories.make_misprediction(user=person).prediction.pk]))

    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("name", ["feedback:photo", "feedback:thumbnail"])
def test_photo_that_is_not_there_any_more_is_not_found(site: Client, person: User, name: str) -> None:
    expired = make_waiting(person, expires_at=timezone.now() - timedelta(seconds=1))

    assert site.get(reverse(name, args=[expired.pk])).status_code == HTTPStatus.NOT_FOUND


def test_second_sender_of_a_photo_sees_it_too(signed_in: SignIn, person: User) -> None:
    first, other = factories.make_misprediction(user=person), factories.make_user()
    second = factories.make_misprediction(user=other, picture=first.picture)

    erasure.erase_predictions([first.prediction])

    url = reverse("feedback:photo", args=[second.prediction.pk])
    assert signed_in(other).get(url).status_code == HTTPStatus.OK
    urls = [reverse(name, args=[first.picture.sha256]) for name in ("catalog:picture", "catalog:thumbnail")]
    assert {signed_in(person).get(url).status_code for url in urls} == {HTTPStatus.NOT_FOUND}


def test_erasing_asks_first(site: Client, person: User) -> None:
    prediction = factories.make_misprediction(user=person).prediction

    answer = site.post(reverse("feedback:delete_uploads"), {"ids": prediction.pk})

    assert answer.context["predictions"] == [prediction]
    assert Misprediction.objects.exists()


@pytest.mark.parametrize("is_binned", [False, True])
def test_erasing_takes_everything_along(site: Client, person: User, any_blobs: str, *, is_binned: bool) -> None:
    row = factories.make_misprediction(user=person, deleted_at=timezone.now() if is_binned else None)
    store_vector(picture=row.picture, backbone="b", value=[1.0])  # type: ignore[arg-type]
    site.get(reverse("feedback:thumbnail", args=[row.prediction.pk]))

    said = erase(site, row.prediction, make_waiting(person), factories.make_prediction(user=person))

    assert len(said) == 1
    assert "3" in said[0]
    assert not any(model.objects.exists() for model in EVERYTHING)
    assert not default_storage.exists(row.picture.blob_key)
    assert caches["thumbnails"].get(row.picture.sha256) is None


@pytest.mark.parametrize("used_by", ["somebody", "training"])
def test_photo_that_others_use_stays_and_that_is_said(site: Client, person: User, used_by: str) -> None:
    row = factories.make_misprediction(user=person)
    if used_by == "somebody":
        factories.make_misprediction(picture=row.picture)
    else:
        factories.make_image(picture=row.picture)

    (said,) = erase(site, row.prediction)

    assert Picture.objects.get() == row.picture
    assert default_storage.exists(row.picture.blob_key)
    assert "autre" in said or "else" in said


def test_nobody_erases_what_another_sent(signed_in: SignIn, reviewer: User, person: User) -> None:
    prediction = factories.make_prediction(user=person)

    erase(signed_in(reviewer), prediction)

    assert Prediction.objects.exists()


def test_storage_that_refuses_leaves_that_one_whole(site: Client, person: User, blobs: Path) -> None:
    good, bad = (factories.make_misprediction(user=person) for _ in range(2))
    default_storage.delete(bad.picture.blob_key)
    (blobs / bad.picture.blob_key / "in the way").mkdir(parents=True)

    (said,) = erase(site, good.prediction, bad.prediction)

    assert "stock" in said or "storage" in said
    assert bad.prediction in Prediction.objects.all()
    assert Misprediction.objects.filter(pk=bad.pk).exists()
    assert Picture.objects.filter(pk=bad.picture.pk).exists()


@pytest.mark.parametrize("ids", [[], ["x"], ["9" * 30], ["123456"]])
def test_choosing_nothing_is_said(site: Client, ids: list[str]) -> None:
    answer = site.post(reverse("feedback:delete_uploads"), {"ids": ids, "confirmed": "1"}, follow=True)

    assert len(list(answer.context["messages"])) == 1


def test_verdict_on_what_was_erased_is_not_found(site: Client, person: User) -> None:
    prediction = factories.make_prediction(user=person)
    erasure.erase_predictions([prediction])

    statuses = {
        site.post(reverse(f"feedback:{name}", args=[prediction.pk]), {"verdict": "OK"}).status_code
        for name in ("give", "undo", "correct")
    }

    assert statuses == {HTTPStatus.NOT_FOUND}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(3))
def test_verdict_and_erasing_at_once_leave_nothing(any_blobs: str, attempt: int) -> None:
    user = factories.make_user()
    prediction = make_waiting(user)

    def judge() -> None:
        with suppress(Prediction.DoesNotExist):  # the other was faster
            verdicts.give_verdict(prediction=prediction, value=Verdict.Value.NOK, by=user)

    at_once(judge, lambda: erasure.erase_predictions([prediction]))

    assert not any(model.objects.exists() for model in EVERYTHING)


@pytest.mark.django_db(transaction=True)
def test_erasing_twice_at_once_erases_once(any_blobs: str) -> None:
    row = factories.make_misprediction()
    prediction = row.prediction

    erasures = at_once(*[lambda: erasure.erase_predictions([prediction])] * 4)

    assert sorted(each.erased for each in erasures) == [0, 0, 0, 1]
    assert not default_storage.exists(row.picture.blob_key)


@pytest.mark.django_db(transaction=True)
def test_two_senders_of_one_photo_erasing_at_once_leave_no_blob(any_blobs: str) -> None:
    picture = factories.make_picture()
    rows = [factories.make_misprediction(picture=picture) for _ in range(2)]

    def erase_row(row: Misprediction) -> Callable[[], object]:
        return lambda: erasure.erase_predictions([row.prediction])

    at_once(*map(erase_row, rows))

    assert not Picture.objects.exists()
    assert not default_storage.exists(picture.blob_key)
