"""Taking a verdict back: what comes back with it, until when, and what happens beside it meanwhile."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from acts.services import Doer
from catalog.models import Picture, Vector
from classifier.models import PendingPhoto, Prediction
from feedback.exceptions import TooLate
from feedback.models import Misprediction, Verdict
from feedback.services import bin, erasure, review, verdicts
from tests import factories
from tests.feedback.racing import at_once

SignIn = Callable[[User], Client]

HTMX = {"hx-request": "true"}


@pytest.fixture
def site(signed_in: SignIn, person: User) -> Client:
    return signed_in(person)


@pytest.fixture
def photo() -> bytes:
    return factories.make_photo()


@pytest.fixture
def prediction(person: User, photo: bytes) -> Prediction:
    return make_waiting(person, photo)


def make_waiting(user: User, photo: bytes) -> Prediction:
    """Make a prediction whose photo waits for its verdict."""
    prediction = factories.make_prediction(user=user)
    vector = np.array([1.0, 2.0, 3.0], dtype=np.float32)
    expiry = timezone.now() + timedelta(seconds=60)
    PendingPhoto.objects.create(
        prediction=prediction, content=photo, backbone="a backbone", vector=vector, expires_at=expiry
    )
    return prediction


def withdraw(prediction: Prediction) -> bool:
    assert prediction.user
    return verdicts.withdraw_verdict(prediction=prediction, by=prediction.user)


def judge(prediction: Prediction, value: str) -> None:
    verdicts.give_verdict(prediction=prediction, value=Verdict.Value(value), by=prediction.user)  # type: ignore[arg-type]


def undo_url(prediction: Prediction) -> str:
    return reverse("feedback:undo", args=[prediction.pk])


def test_photo_and_vector_wait_again_after_nok(
    site: Client, prediction: Prediction, photo: bytes, any_blobs: str
) -> None:
    judge(prediction, "NOK")
    key = Picture.objects.get().blob_key

    answer = site.post(undo_url(prediction))

    pending = PendingPhoto.objects.get()
    assert answer.headers["Location"] == reverse("classifier:prediction", args=[prediction.pk])
    assert (bytes(pending.content), pending.backbone, list(pending.vector)) == (photo, "a backbone", [1, 2, 3])
    assert pending.expires_at > timezone.now() + timedelta(seconds=3500)
    assert not any(model.objects.exists() for model in (Verdict, Misprediction, Picture, Vector))
    assert not default_storage.exists(key)


def test_photo_is_on_screen_again(site: Client, prediction: Prediction) -> None:
    judge(prediction, "NOK")

    page = site.post(undo_url(prediction), follow=True)

    assert page.context["photo_available"]
    assert site.get(reverse("classifier:photo", args=[prediction.pk])).status_code == HTTPStatus.OK


def test_going_back_to_the_confirmation_leads_to_the_buttons(site: Client, prediction: Prediction) -> None:
    judge(prediction, "NOK")
    site.post(undo_url(prediction))

    answer = site.get(reverse("feedback:confirmation", args=[prediction.pk]))

    assert answer.headers["Location"] == reverse("classifier:prediction", args=[prediction.pk])


def test_correction_that_comes_after_the_undo_is_answered(site: Client, prediction: Prediction) -> None:
    judge(prediction, "NOK")
    withdraw(prediction)

    page = site.post(reverse("feedback:correct", args=[prediction.pk]), {"comment": "a pizza"}, follow=True)

    assert page.status_code == HTTPStatus.OK
    assert len(page.context["messages"]) == 1


@pytest.mark.parametrize("again", ["OK", "NOK"])
@pytest.mark.parametrize("first", ["OK", "NOK"])
def test_other_verdict_can_be_given(site: Client, prediction: Prediction, first: str, again: str) -> None:
    judge(prediction, first)
    site.post(undo_url(prediction))

    site.post(reverse("feedback:give", args=[prediction.pk]), {"verdict": again})

    assert Verdict.objects.get().value == again
    assert Misprediction.objects.count() == (first == again == "NOK")


def test_after_ok_it_is_said_that_the_photo_is_gone(site: Client, prediction: Prediction) -> None:
    judge(prediction, "OK")

    page = site.post(undo_url(prediction), follow=True)

    (said,) = page.context["messages"]
    assert not Verdict.objects.exists()
    assert "plus conservée" in str(said) or "not kept" in str(said)


def test_too_late_is_a_sentence_and_changes_nothing(site: Client, prediction: Prediction, settings: Settings) -> None:
    judge(prediction, "NOK")
    Verdict.objects.update(created_at=timezone.now() - timedelta(seconds=settings.CLASSIFR_UNDO_SECONDS))

    page = site.post(undo_url(prediction), follow=True)

    assert len(list(page.context["messages"])) == 1
    assert Misprediction.objects.in_review().exists()
    assert undo_url(prediction) not in page.content.decode()


def test_storage_that_is_away_is_a_sentence_and_changes_nothing(
    site: Client, prediction: Prediction, request: pytest.FixtureRequest
) -> None:
    judge(prediction, "NOK")
    request.getfixturevalue("storage_refuses")

    page = site.post(undo_url(prediction), follow=True)

    assert len(list(page.context["messages"])) == 1
    assert Misprediction.objects.in_review().exists()
    assert not PendingPhoto.objects.exists()


def test_photo_that_another_one_points_at_stays_in_review(person: User, prediction: Prediction, photo: bytes) -> None:
    judge(prediction, "NOK")
    other = make_waiting(factories.make_user(), photo)
    judge(other, "NOK")

    assert withdraw(prediction)

    assert Misprediction.objects.get().prediction == other
    assert default_storage.exists(Picture.objects.get().blob_key)


def test_photo_in_the_reviewers_bin_comes_back_too(prediction: Prediction, reviewer: User) -> None:
    judge(prediction, "NOK")
    review.move_to_bin(Misprediction.objects.all(), by=Doer.person(reviewer))

    assert withdraw(prediction)

    assert not Misprediction.objects.exists()
    assert PendingPhoto.objects.exists()


def test_photo_that_reviewers_erased_does_not_come_back(prediction: Prediction, reviewer: User) -> None:
    judge(prediction, "NOK")
    review.move_to_bin(Misprediction.objects.all(), by=Doer.person(reviewer))
    bin.erase_mispredictions(Misprediction.objects.all())

    assert not withdraw(prediction)

    assert not Verdict.objects.exists()
    assert not PendingPhoto.objects.exists()


def test_second_click_changes_nothing(site: Client, prediction: Prediction) -> None:
    judge(prediction, "NOK")
    site.post(undo_url(prediction))

    page = site.post(undo_url(prediction), follow=True)

    assert page.context["photo_available"]
    assert PendingPhoto.objects.count() == 1


def test_nobody_undoes_another_persons_verdict(signed_in: SignIn, reviewer: User, prediction: Prediction) -> None:
    judge(prediction, "NOK")

    answer = signed_in(reviewer).post(undo_url(prediction))

    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert Verdict.objects.exists()


def test_undo_is_offered_with_its_end(site: Client, prediction: Prediction) -> None:
    judge(prediction, "OK")
    end = timezone.localtime(Verdict.objects.get().undo_until)

    page = site.get(reverse("feedback:confirmation", args=[prediction.pk])).content.decode()

    assert undo_url(prediction) in page
    assert f"{end:%H:%M}" in page


@pytest.mark.parametrize("value", ["OK", "NOK"])
def test_htmx_gets_the_verdict_as_a_fragment(site: Client, prediction: Prediction, value: str) -> None:
    answer = site.post(reverse("feedback:give", args=[prediction.pk]), {"verdict": value}, headers=HTMX)

    fragment = answer.content.decode()
    assert fragment.strip().startswith('<div class="given"')
    assert undo_url(prediction) in fragment
    assert (reverse("feedback:correct", args=[prediction.pk]) in fragment) == (value == "NOK")


def test_htmx_is_told_that_the_first_verdict_stands(site: Client, prediction: Prediction) -> None:
    judge(prediction, "OK")

    answer = site.post(reverse("feedback:give", args=[prediction.pk]), {"verdict": "NOK"}, headers=HTMX)

    assert answer.context["warning"]
    assert answer.context["warning"] in answer.content.decode()


def test_htmx_gets_the_buttons_back(site: Client, prediction: Prediction) -> None:
    judge(prediction, "NOK")

    answer = site.post(undo_url(prediction), headers=HTMX)

    assert "classifier/_verdict_form.html" in {each.name for each in answer.templates}
    assert not answer.context["error"]


def test_htmx_gets_buttons_and_a_sentence_after_ok(site: Client, prediction: Prediction) -> None:
    judge(prediction, "OK")

    answer = site.post(undo_url(prediction), headers=HTMX)

    assert answer.context["error"] in answer.content.decode()
    assert 'value="NOK"' in answer.content.decode()


def test_htmx_gets_the_reason_why_a_verdict_is_not_given(site: Client, prediction: Prediction) -> None:
    answer = site.post(reverse("feedback:give", args=[prediction.pk]), {"verdict": "perhaps"}, headers=HTMX)

    assert answer.context["error"] in answer.content.decode()
    assert PendingPhoto.objects.exists()


def test_htmx_gets_the_reason_why_a_verdict_stands(site: Client, prediction: Prediction, settings: Settings) -> None:
    judge(prediction, "OK")
    settings.CLASSIFR_UNDO_SECONDS = 0

    fragment = site.post(undo_url(prediction), headers=HTMX).content.decode()

    assert 'role="alert"' in fragment
    assert undo_url(prediction) not in fragment


def test_htmx_corrects_in_the_fragment(site: Client, prediction: Prediction) -> None:
    judge(prediction, "NOK")
    url = reverse("feedback:correct", args=[prediction.pk])

    refused = site.post(url, {"tag": "bicycle"}, headers=HTMX)
    taken = site.post(url, {"tag": "risotto"}, headers=HTMX)

    assert refused.context["form"].errors["tag"]
    assert taken.context["thanks"] in taken.content.decode()
    assert Misprediction.objects.get().suggested_tag == "risotto"


def _withdraw(prediction: Prediction) -> Callable[[], bool]:
    return lambda: withdraw(prediction)


@pytest.mark.django_db(transaction=True)
def test_two_undos_at_once_bring_one_photo_back(any_blobs: str, photo: bytes) -> None:
    prediction = make_waiting(factories.make_user(), photo)
    judge(prediction, "NOK")

    assert at_once(*[_withdraw(prediction)] * 6) == [True] * 6

    assert PendingPhoto.objects.count() == 1
    assert not Picture.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_undo_while_a_reviewer_moves_it_to_the_bin(any_blobs: str, photo: bytes) -> None:
    prediction, reviewer = make_waiting(factories.make_user(), photo), factories.make_reviewer()
    judge(prediction, "NOK")

    at_once(_withdraw(prediction), lambda: review.move_to_bin(Misprediction.objects.all(), by=Doer.person(reviewer)))

    assert bytes(PendingPhoto.objects.get().content) == photo
    assert not Misprediction.objects.exists()
    assert not Picture.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(3))
def test_undo_while_a_reviewer_erases_it(any_blobs: str, photo: bytes, attempt: int) -> None:
    prediction = make_waiting(factories.make_user(), photo)
    judge(prediction, "NOK")
    Misprediction.objects.update(deleted_at=timezone.now())

    back, erased = at_once(_withdraw(prediction), lambda: bin.erase_mispredictions(Misprediction.objects.all()))

    assert back + erased == 1
    assert PendingPhoto.objects.count() == back
    assert not Picture.objects.exists()
    assert not Verdict.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_undo_while_its_sender_erases_it(any_blobs: str, photo: bytes) -> None:
    prediction = make_waiting(factories.make_user(), photo)
    judge(prediction, "NOK")

    def withdraw_it() -> None:
        with suppress(Prediction.DoesNotExist):  # the other was faster
            withdraw(prediction)

    at_once(withdraw_it, lambda: erasure.erase_predictions([prediction]))

    assert not any(model.objects.exists() for model in (Prediction, Verdict, PendingPhoto, Misprediction, Picture))


def test_verdict_that_is_just_too_old_raises(prediction: Prediction, settings: Settings) -> None:
    judge(prediction, "OK")
    settings.CLASSIFR_UNDO_SECONDS = 0

    with pytest.raises(TooLate):
        withdraw(prediction)
