"""Verdicts: what OK and NOK do to the photo, and what two at once do."""

import html
import io
import re
import threading
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any, TypeAlias

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from accounts.models import User
from catalog import storage
from catalog.models import Picture, Vector
from classifier.models import PendingPhoto, Prediction
from feedback.models import Misprediction, Verdict
from feedback.services.verdicts import give_verdict
from tests import factories
from training.models import Project

Answer: TypeAlias = Any  # the test client's response, with `context`
SignIn = Callable[[User], Client]


@pytest.fixture
def site(signed_in: SignIn, person: User) -> Client:
    return signed_in(person)


@pytest.fixture
def sent() -> bytes:
    """A photo that carries a place in its metadata."""
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    return factories.make_photo(exif=exif)


@pytest.fixture
def prediction(site: Client, food_project: Project, sent: bytes) -> Prediction:
    """The photo was sent and waits for its verdict."""
    photo = SimpleUploadedFile("p.jpg", sent)
    site.post(reverse("classifier:home"), {"photo": photo, "project": food_project.pk})
    return Prediction.objects.get()


def say(site: Client, prediction: Prediction, verdict: str) -> Answer:
    return site.post(reverse("feedback:give", args=[prediction.pk]), {"verdict": verdict}, follow=True)


def test_ok_erases_the_photo_at_once(site: Client, prediction: Prediction, any_blobs: str) -> None:
    say(site, prediction, "OK")

    assert Verdict.objects.get().value == "OK"
    assert not PendingPhoto.objects.exists()
    assert not Picture.objects.exists()
    assert not Misprediction.objects.exists()


def test_nok_stores_photo_and_row(site: Client, person: User, prediction: Prediction, any_blobs: str) -> None:
    say(site, prediction, "NOK")

    row = Misprediction.objects.get()
    assert (row.tag, row.username, row.iteration_name) == (prediction.top_tag, person.username, "Iteration 1")
    assert float(row.probability) == pytest.approx(100 * prediction.top_probability, abs=0.01)
    assert row.probabilities == prediction.probabilities
    assert row.picture.blob_key in row.image_url
    assert default_storage.exists(row.picture.blob_key)
    assert not PendingPhoto.objects.exists()


def test_stored_photo_is_the_same_picture_without_metadata(site: Client, prediction: Prediction, sent: bytes) -> None:
    waiting = bytes(PendingPhoto.objects.get().content)

    say(site, prediction, "NOK")

    stored = storage.read_blob(Picture.objects.get().blob_key)
    assert b"a secret place" in sent
    assert b"a secret place" not in waiting + stored
    assert Image.open(io.BytesIO(stored)).tobytes() == Image.open(io.BytesIO(sent)).tobytes()


def test_vector_goes_with_the_picture(site: Client, prediction: Prediction) -> None:
    computed = PendingPhoto.objects.get().vector

    say(site, prediction, "NOK")

    vector = Vector.objects.get()
    assert vector.backbone == "efficientnet-lite0-food-int8"
    assert list(vector.value) == list(computed)


@pytest.mark.parametrize("verdict", ["OK", "NOK"])
def test_verdict_is_confirmed(site: Client, prediction: Prediction, verdict: str) -> None:
    page = say(site, prediction, verdict).content.decode()

    assert "Votre validation a été prise en compte" in page
    assert "Accueil" in page
    assert "Déconnexion" in page
    assert "Prédiction erronée" not in page


def test_reviewers_confirmation_leads_to_the_review(signed_in: SignIn, reviewer: User) -> None:
    prediction = factories.make_prediction(user=reviewer)

    page = say(signed_in(reviewer), prediction, "OK").content.decode()

    assert reverse("feedback:mispredictions") in page


def test_first_of_two_verdicts_stands(site: Client, prediction: Prediction) -> None:
    say(site, prediction, "OK")

    page = say(site, prediction, "NOK").content.decode()

    assert Verdict.objects.get().value == "OK"
    assert not Misprediction.objects.exists()
    assert "OK" in page


def test_verdict_that_is_neither_is_refused(site: Client, prediction: Prediction) -> None:
    say(site, prediction, "MAYBE")

    assert not Verdict.objects.exists()
    assert PendingPhoto.objects.exists()


def test_verdict_needs_its_csrf_token(person: User, prediction: Prediction) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(person)

    assert say(strict, prediction, "OK").status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("name", ["feedback:give", "feedback:correct"])
def test_nobody_judges_another_persons_photo(
    signed_in: SignIn, reviewer: User, prediction: Prediction, name: str
) -> None:
    answer = signed_in(reviewer).post(reverse(name, args=[prediction.pk]), {"verdict": "OK"})

    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert not Verdict.objects.exists()


def test_nok_after_the_photo_expired_is_counted_and_said(site: Client, prediction: Prediction) -> None:
    PendingPhoto.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    answer = say(site, prediction, "NOK")

    assert Verdict.objects.get().value == "NOK"
    assert not Misprediction.objects.exists()
    assert answer.context["misprediction"] is None
    assert not PendingPhoto.objects.exists()


def test_nok_counts_though_the_storage_refuses(site: Client, prediction: Prediction, storage_refuses: None) -> None:
    page = say(site, prediction, "NOK")

    assert Verdict.objects.get().value == "NOK"
    assert page.context["misprediction"].picture.waiting_blob
    assert not PendingPhoto.objects.exists()


@pytest.fixture
def pizza(prediction: Prediction) -> Prediction:
    Prediction.objects.update(probabilities=[["pizza", 0.9], ["risotto", 0.1]], top_tag="pizza")
    return prediction


def correct(site: Client, prediction: Prediction, **words: str) -> Answer:
    return site.post(reverse("feedback:correct", args=[prediction.pk]), words)


def test_right_tag_and_comment_are_kept(site: Client, pizza: Prediction) -> None:
    say(site, pizza, "NOK")

    correct(site, pizza, tag=" RISOTTO ")
    correct(site, pizza, comment="with ananas")

    row = Misprediction.objects.get()
    assert (row.suggestion, row.suggested_tag, row.comment) == ("tag", "risotto", "with ananas")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"tag": "bicycle"}, "bicycle n’est pas une étiquette de ce projet."),
        ({"tag": "Pizza"}, "Vous avez dit que Pizza est faux"),
        ({"suggestion": "tag"}, "tag n’en fait pas partie"),
        ({"tag": "risotto", "suggestion": "none"}, "Indiquez une étiquette, ou dites"),
        ({}, "Indiquez une étiquette, ou dites"),
    ],
)
def test_what_is_no_other_tag_is_refused(site: Client, pizza: Prediction, words: dict[str, str], sentence: str) -> None:
    say(site, pizza, "NOK")

    answer = correct(site, pizza, **words)

    assert sentence in html.unescape(answer.content.decode())
    assert Misprediction.objects.get().suggestion == ""


def test_of_several_tags_any_may_be_meant(site: Client, pizza: Prediction) -> None:
    Project.objects.update(type=Project.Type.MULTILABEL)
    say(site, pizza, "NOK")

    correct(site, pizza, tag="pizza")

    assert Misprediction.objects.get().suggested_tag == "pizza"


@pytest.mark.parametrize("suggestion", ["none", "unusable"])
def test_photo_may_show_no_tag(site: Client, pizza: Prediction, suggestion: str) -> None:
    say(site, pizza, "NOK")
    correct(site, pizza, tag="risotto")

    correct(site, pizza, suggestion=suggestion)

    row = Misprediction.objects.get()
    assert (row.suggestion, row.suggested_tag) == (suggestion, "")


def test_next_four_tags_have_buttons_and_the_others_are_suggested(site: Client, prediction: Prediction) -> None:
    Prediction.objects.update(probabilities=[[tag, 0.2] for tag in ("pizza", "e", "d", "c", "b", "a", "f")])

    page = say(site, prediction, "NOK").content.decode()

    assert re.findall('<button class="[^"]+" name="tag" value="(.*?)"', page) == ["e", "d", "c", "b"]
    assert re.findall('<option value="(.*?)"', page) == ["a", "f"]


@pytest.mark.django_db(transaction=True)
def test_two_verdicts_at_once_leave_one(any_blobs: str) -> None:
    user = factories.make_user()
    prediction = factories.make_prediction(user=user)
    PendingPhoto.objects.create(
        prediction=prediction, content=factories.make_photo(), expires_at=timezone.now() + timedelta(hours=1)
    )
    barrier = threading.Barrier(8)
    given: list[str] = []

    def judge(value: Verdict.Value) -> None:
        barrier.wait()
        given.append(give_verdict(prediction=prediction, value=value, by=user)[0].value)
        connection.close()

    threads = [threading.Thread(target=judge, args=[value]) for value in [*Verdict.Value] * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (value,) = set(given)
    assert len(given) == 8
    assert Verdict.objects.get().value == value
    assert Misprediction.objects.count() == (value == "NOK")
    assert not PendingPhoto.objects.exists()
