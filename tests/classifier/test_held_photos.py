"""While no model answers: the photo stays with a browser that has JavaScript, and is held for one without."""

import threading
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.db import IntegrityError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from classifier.models import PendingPhoto, Prediction
from classifier.services import hold_photo, predict, purge_pending
from tests import factories
from tests.azurecv.azure import PROJECT_ID, RecordedAzure, error
from tests.classifier.test_page import Answer, send
from training.models import Project

SignIn = Callable[[User], Client]
TROUBLE = [error(503, "x", "trouble")] * 3


@pytest.fixture
def project(recorded_azure: RecordedAzure, monkeypatch: pytest.MonkeyPatch, db: None) -> Project:
    monkeypatch.setattr("azurecv.prediction.BACK_OFF_S", 0.01)
    return factories.make_project(backend="customvision", remote_id=PROJECT_ID)


@pytest.fixture
def held(person: User, project: Project) -> PendingPhoto:
    return hold_photo(photo=factories.admit(factories.make_photo()), by=person)


def try_again(browser: Client, held: PendingPhoto, project: Project) -> Answer:
    return browser.post(reverse("classifier:home"), {"held": held.pk, "project": project.pk})


def test_photo_is_held_without_its_metadata(
    signed_in: SignIn, person: User, project: Project, recorded_azure: RecordedAzure
) -> None:
    recorded_azure.answers = list(TROUBLE)
    photo = factories.make_photo(comment=b"a secret place")
    browser = signed_in(person)

    page = send(browser, photo, project)

    held = PendingPhoto.objects.get()
    assert page.context["held"] == held
    assert bytes(held.content) == factories.admit(photo).content
    shown = browser.get(reverse("classifier:held_photo", args=[held.pk]))
    assert shown.content == factories.admit(photo).content


def test_browser_with_javascript_keeps_the_photo_itself(
    signed_in: SignIn, person: User, project: Project, recorded_azure: RecordedAzure
) -> None:
    recorded_azure.answers = list(TROUBLE)

    answer = send(signed_in(person), factories.make_photo(), project, headers={"HX-Request": "true"})

    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert not PendingPhoto.objects.exists()


def test_held_photo_that_fails_again_is_held_once(
    signed_in: SignIn, person: User, project: Project, recorded_azure: RecordedAzure
) -> None:
    photo, browser = factories.make_photo(), signed_in(person)
    recorded_azure.answers = TROUBLE * 3

    send(browser, photo, project)
    send(browser, photo, project)
    page = try_again(browser, PendingPhoto.objects.get(), project)

    assert page.context["held"] == PendingPhoto.objects.get()


def test_held_photo_is_answered_once(signed_in: SignIn, person: User, project: Project, held: PendingPhoto) -> None:
    browser = signed_in(person)

    first = try_again(browser, held, project)
    second = try_again(browser, held, project)

    prediction = Prediction.objects.get()
    assert first.headers["Location"] == second.headers["Location"]
    assert prediction.pending_photo == held


@pytest.mark.django_db(transaction=True)
def test_held_photo_sent_twice_at_once_is_answered_once(
    person: User, project: Project, held: PendingPhoto, recorded_azure: RecordedAzure
) -> None:
    recorded_azure.delay_s = 0.2  # both ask before either has its answer
    answers = []

    def ask() -> None:
        answers.append(predict(photo=factories.admit(bytes(held.content)), project=project, by=person, held=held))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [Prediction.objects.get()] * 2
    assert PendingPhoto.objects.count() == 1


def test_nobody_gets_at_another_persons_held_photo(
    signed_in: SignIn, reviewer: User, project: Project, held: PendingPhoto
) -> None:
    browser = signed_in(reviewer)

    answer = try_again(browser, held, project)

    assert answer.headers["Location"] == reverse("classifier:home")
    assert browser.get(reverse("classifier:held_photo", args=[held.pk])).status_code == HTTPStatus.NOT_FOUND
    assert not Prediction.objects.exists()


def test_held_photo_expires(signed_in: SignIn, person: User, project: Project, held: PendingPhoto) -> None:
    PendingPhoto.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    answer = try_again(signed_in(person), held, project)

    assert answer.headers["Location"] == reverse("classifier:home")
    assert not Prediction.objects.exists()
    assert purge_pending() == 1


def test_photo_waits_no_longer_when_the_clock_goes_back(held: PendingPhoto, settings: Settings) -> None:
    PendingPhoto.objects.update(expires_at=timezone.now() + timedelta(days=400))

    assert purge_pending() == 0

    latest = timezone.now() + timedelta(seconds=settings.CLASSIFR_PENDING_SECONDS)
    assert PendingPhoto.objects.get().expires_at <= latest


def test_photo_of_nobody_cannot_wait(db: None) -> None:
    with pytest.raises(IntegrityError, match="pending_photo_has_a_prediction_or_a_user"):
        PendingPhoto.objects.create(content=b"x", expires_at=timezone.now())


def test_photo_is_not_both_held_and_answered(person: User) -> None:
    prediction = factories.make_prediction(user=person)

    with pytest.raises(IntegrityError, match="pending_photo_has_a_prediction_or_a_user"):
        PendingPhoto.objects.create(prediction=prediction, user=person, content=b"x", expires_at=timezone.now())
