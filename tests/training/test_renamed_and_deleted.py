"""Iterations are renamed and deleted, and projects are deleted with all that they have."""

import pytest
from django.core.files.storage import default_storage

from catalog.models import Picture
from jobs.models import Job
from jobs.services import do_here
from tests import factories
from tests.training.publishable import make_iteration, published
from training.exceptions import AlreadyTraining, IsPublished, NameTaken, Refused
from training.models import Project
from training.names import LONGEST_NAME
from training.services.learning import delete_iteration, rename_iteration
from training.services.projects import delete_project
from training.services.publishing import publish, unpublish

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]


def test_published_iteration_is_not_deleted(project: Project) -> None:
    iteration = make_iteration(project)
    publish(iteration=iteration, by=None)

    with pytest.raises(Refused):
        delete_iteration(iteration)


def test_iteration_that_is_published_while_it_is_deleted_stays(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    iteration = make_iteration(project)
    monkeypatch.setattr(
        "training.services.learning.get_mirror",
        lambda project: project.iterations.update(publish_name="live") and None,
    )

    with pytest.raises(IsPublished):
        delete_iteration(iteration)

    assert published(project) == {1: "live"}


def test_iteration_in_training_is_not_deleted(project: Project) -> None:
    with pytest.raises(AlreadyTraining):
        delete_iteration(make_iteration(project, status="Training"))


def test_iteration_is_renamed_but_never_as_another(project: Project) -> None:
    first, second = make_iteration(project), make_iteration(project)
    rename_iteration(first, name="  Spring ")

    with pytest.raises(NameTaken, match="spring"):
        rename_iteration(second, name="spring")

    assert list(project.iterations.values_list("name", flat=True)) == ["Iteration 2", "Spring"]


@pytest.mark.parametrize("name", ["", " ", "x" * (LONGEST_NAME + 1)])
def test_iteration_without_a_name_that_fits_keeps_its_own(project: Project, name: str) -> None:
    iteration = make_iteration(project)

    with pytest.raises(Refused):
        rename_iteration(iteration, name=name)

    assert project.iterations.get().name == "Iteration 1"


def test_number_of_a_deleted_iteration_is_not_given_again(project: Project) -> None:
    delete_iteration(make_iteration(project))

    assert make_iteration(project).number == 2


def test_project_with_something_published_is_not_deleted(project: Project) -> None:
    publish(iteration=make_iteration(project), by=None)

    with pytest.raises(Refused, match="live"):
        delete_project(project, by=None)


@pytest.mark.django_db(transaction=True)
def test_deleted_project_takes_its_pictures_along() -> None:
    project = factories.make_project()
    image = factories.make_image(project=project)
    shared = factories.make_image(project=project)
    factories.make_image(picture=shared.picture)

    delete_project(project, by=None)
    do_here(Job.objects.get(kind="discard"))

    assert list(Picture.objects.all()) == [shared.picture]
    assert not default_storage.exists(image.picture.blob_key)


def test_deleted_project_is_gone_with_its_log(project: Project) -> None:
    iteration = make_iteration(project)
    publish(iteration=iteration, by=None)
    unpublish(iteration=iteration, by=None)

    delete_project(project, by=None)

    assert not Project.objects.filter(pk=project.pk).exists()
