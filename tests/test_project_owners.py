"""A project is deleted with what every room has of it, and nothing is left over."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from catalog.models import Picture
from classifier.models import PendingPhoto, Prediction
from customvision.models import Export, StoredPrediction
from feedback.models import Misprediction, Verdict
from jobs.models import Job
from jobs.services import do_here
from tests import factories
from tests.customvision.stored import keep, make_answering_project
from training.models import Contradiction, Image, ImageTag, Iteration, Project, Publication, Tag
from training.services.projects import delete_project

pytestmark = pytest.mark.django_db


def make_wrong(project: Project, **fields: Any) -> Misprediction:
    return factories.make_misprediction(prediction=factories.make_prediction(project=project), **fields)


def pointing_at(model: type[Model]) -> set[type[Model]]:
    """Return all models with a foreign key to that one, or to one that has."""
    found: set[type[Model]] = set()
    left = [model]
    while left:
        new = {each.field.model for each in left.pop()._meta.related_objects} - found
        found |= new
        left += new
    return found


MADE: dict[type[Model], Callable[[Project], object]] = {
    Tag: lambda project: project.tags.get(name="hot"),
    Iteration: lambda project: project.iterations.get(),
    Image: lambda project: factories.make_image(project=project),
    ImageTag: lambda project: factories.make_image(project=project, tags=[project.tags.all()[0]]),
    Contradiction: lambda project: Contradiction.objects.create(
        image=factories.make_image(project=project), tag=project.tags.all()[0]
    ),
    Publication: lambda project: Publication.objects.create(
        project=project, iteration=project.iterations.get(), publish_name="live"
    ),
    Prediction: lambda project: factories.make_prediction(project=project, iteration=project.iterations.get()),
    PendingPhoto: lambda project: factories.make_pending(project=project),
    Verdict: lambda project: Verdict.objects.create(prediction=factories.make_prediction(project=project), value="OK"),
    Misprediction: make_wrong,
    StoredPrediction: keep,
    Export: lambda project: Export.objects.create(iteration=project.iterations.get(), platform="ONNX"),
}
"""One row of everything that a project can have."""


def test_everything_that_points_at_a_project_goes_with_it() -> None:
    assert set(MADE) == pointing_at(Project)
    project = make_answering_project()
    for make in MADE.values():
        make(project)
    assert all(model._base_manager.exists() for model in MADE)

    delete_project(project, by=None)

    left = {model.__name__: model._base_manager.count() for model in MADE}
    assert left == dict.fromkeys(left, 0)


@pytest.mark.django_db(transaction=True)
def test_blobs_of_photos_called_wrong_and_of_stored_answers_are_erased() -> None:
    project = make_answering_project()
    pictures = [make_wrong(project).picture, keep(project).picture]

    delete_project(project, by=None)
    do_here(Job.objects.get(kind="discard"))

    assert not Picture.objects.exists()
    assert not any(default_storage.exists(picture.blob_key) for picture in pictures)


@pytest.mark.django_db(transaction=True)
def test_photos_that_another_project_has_stay() -> None:
    project, other = make_answering_project(), factories.make_project()
    learned, sent_again = make_wrong(project).picture, make_wrong(project).picture
    factories.make_image(project=other, picture=learned)
    make_wrong(other, picture=sent_again)

    delete_project(project, by=None)
    do_here(Job.objects.get(kind="discard"))

    assert set(Picture.objects.all()) == {learned, sent_again}
    assert all(default_storage.exists(picture.blob_key) for picture in (learned, sent_again))


def test_page_says_how_many_go_along_and_deletes_them() -> None:
    project = make_answering_project()
    for _ in range(3):
        make_wrong(project)
    keep(project)
    browser = Client(headers={"Accept-Language": "en"})
    browser.force_login(factories.make_developer())
    address = reverse("training:project_delete", args=[project.pk])

    page = browser.get(address).content.decode()
    answer = browser.post(address)

    assert '<dt>Photos called wrong</dt><dd class="number">3</dd>' in page
    assert '<dt>Stored answers to programs</dt><dd class="number">1</dd>' in page
    assert (answer.status_code, Project.objects.filter(pk=project.pk).exists()) == (302, False)


def test_page_is_silent_of_what_is_not_there() -> None:
    browser = Client(headers={"Accept-Language": "en"})
    browser.force_login(factories.make_developer())

    page = browser.get(reverse("training:project_delete", args=[factories.make_project().pk])).content.decode()

    assert "Photos called wrong</dt>" not in page
