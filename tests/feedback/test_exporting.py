"""What a person sent is theirs to take away: photos, verdicts and corrections in one ZIP."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client

from accounts.models import User
from acts.services import Doer
from catalog.services import read_picture
from feedback.models import Misprediction
from feedback.services import review
from tests import factories
from training.models import Tag

SignIn = Callable[[User], Client]


@pytest.fixture
def site(signed_in: SignIn, person: User) -> Client:
    return signed_in(person)


def exported(site: Client) -> zipfile.ZipFile:
    answer = site.get("/uploads/export/")
    assert answer.status_code == 200
    return zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]


def told(archive: zipfile.ZipFile) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(archive.read("uploads.json"))
    return told


def test_photos_verdicts_and_corrections_are_in_it(site: Client, person: User, reviewer: User) -> None:
    wrong = factories.make_misprediction(user=person, suggested_tag="risotto", comment="=1+1")
    tag = Tag.objects.create(project=wrong.project, name="risotto")
    review.correct(Misprediction.objects.all(), tags=[tag], by=Doer.person(reviewer))
    waiting = factories.make_pending(user=person)
    factories.make_misprediction()  # of somebody else

    archive = exported(site)

    assert archive.testzip() is None
    newest, oldest = told(archive)
    assert (newest["id"], newest["verdict"]) == (waiting.prediction_id, None)
    assert archive.read(newest["photo"]) == bytes(waiting.content)
    assert archive.read(oldest["photo"]) == read_picture(wrong.picture)
    assert (oldest["verdict"], oldest["suggestion"], oldest["comment"]) == ("NOK", "risotto", "=1+1")
    assert oldest["review"] == {"state": "corrected", "reason": None, "tags": ["risotto"]}
    assert oldest["probabilities"] == {"pizza": 0.9, "risotto": 0.1}


def test_photo_that_cannot_be_read_is_left_out(site: Client, person: User) -> None:
    wrong = factories.make_misprediction(user=person)
    default_storage.delete(wrong.picture.blob_key)

    [row] = told(exported(site))

    assert (row["photo"], row["verdict"]) == (None, "NOK")


def test_nothing_sent_is_an_empty_list(site: Client) -> None:
    archive = exported(site)

    assert (archive.namelist(), told(archive)) == (["uploads.json"], [])


def test_page_says_what_became_of_a_correction(site: Client, person: User, reviewer: User) -> None:
    wrong = factories.make_misprediction(user=person)
    tag = Tag.objects.create(project=wrong.project, name="risotto")
    review.correct(Misprediction.objects.all(), tags=[tag], by=Doer.person(reviewer))
    assert "Corrected: risotto" in site.get("/uploads/", headers={"Accept-Language": "en"}).content.decode()

    iteration = wrong.project.iterations.create(number=4, name="Iteration 4")
    wrong.project.images.update(learned_by=iteration)

    page = site.get("/uploads/", headers={"Accept-Language": "en"}).content.decode()
    assert "your correction taught Iteration 4" in page
