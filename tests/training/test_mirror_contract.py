"""What every mirror keeps to, and that services carry out there what they do here."""

from collections.abc import Iterator

import pytest
from django.conf import settings as configured
from django.utils import translation
from pytest_django import Settings

from tests import factories
from tests.azurecv import azure_training
from tests.training.publishable import make_iteration
from training import backends
from training.backends import get_trainer
from training.backends.base import Mirror
from training.models import Iteration, Project, Tag
from training.services import learning, projects, publishing
from training.services.images import delete_images, discard_images
from training.services.tagging import Pair, tag_images, untag_images

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[name for name in sorted(configured.CLASSIFR_TRAINING_BACKENDS) if get_trainer(name).mirror])
def mirror(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Mirror]:
    """Each mirror in turn, made anew; Azure's has a service to talk to."""
    with azure_training.listening(settings) as azure, translation.override("en"):
        azure_training.whole_service(azure)
        found = get_trainer(request.param).mirror
        assert found is not None
        yield found


def test_it_keeps_the_protocol(mirror: Mirror) -> None:
    assert isinstance(mirror, Mirror)


def test_new_rows_get_their_counterparts(mirror: Mirror) -> None:
    project = Project(name="Dishes", domain=Project.Domain.FOOD)
    mirror.create_project(project)
    tags = [Tag(project=project, name=name) for name in ("pizza", "risotto")]
    mirror.create_tags(tags)

    assert None not in {project.remote_id, *(tag.remote_id for tag in tags)}


def test_rows_without_a_counterpart_are_left_alone(mirror: Mirror, project: Project, tags: list[Tag]) -> None:
    """The service would answer with an error: it knows none of them."""
    image, iteration = factories.make_image(project=project), make_iteration(project)

    mirror.set_tags(image, tags)
    mirror.delete_images([image])
    mirror.rename_tag(tags[0])
    mirror.delete_tag(tags[0])
    mirror.rename_iteration(iteration)
    mirror.unpublish(iteration)
    mirror.delete_iteration(iteration)
    mirror.delete_project(project)


@pytest.fixture
def mirrored(settings: Settings) -> Project:
    """A project whose mirror notes what it is asked for."""
    settings.CLASSIFR_TRAINING_BACKENDS = {"mirrored": "tests.training.mirrored.MirroredTrainer"}
    return projects.create_project(name="Mirrored", domain=Project.Domain.FOOD, backend="mirrored")


def acts(project: Project) -> list[str]:
    """Return what was noted since this was asked last."""
    noting = backends.get_mirror(project).acts  # type: ignore[union-attr]
    noted = list(noting)
    noting.clear()
    return noted


def test_project_and_its_tags_are_mirrored(mirrored: Project) -> None:
    (tag,), _ = projects.create_tags(project=mirrored, names=["pizza"])
    projects.rename_tag(tag, name="flatbread")
    projects.delete_tag(tag)
    projects.delete_project(mirrored, by=None)

    assert acts(mirrored) == ["create_project", "create_tags", "rename_tag", "delete_tag", "delete_project"]


def test_images_are_mirrored(mirrored: Project) -> None:
    (tag,), _ = projects.create_tags(project=mirrored, names=["pizza"])
    images = [factories.make_image(project=mirrored) for _ in range(2)]
    acts(mirrored)

    pairs = [Pair(image, tag) for image in images]
    tag_images(mirrored, pairs)
    untag_images(mirrored, pairs[1:])
    delete_images(images[:1])
    discard_images(mirrored, mirrored.images.all(), by=None)

    assert acts(mirrored) == ["set_tags", "set_tags", "set_tags", "delete_images", "delete_images"]


def test_what_a_publication_replaces_under_another_name_is_unpublished_at_the_mirror_too(mirrored: Project) -> None:
    first, second, third = (make_iteration(mirrored) for _ in range(3))
    acts(mirrored)

    publishing.publish(iteration=first, by=None, name="live")
    publishing.publish(iteration=second, by=None, name="live")
    publishing.publish(iteration=third, by=None, name="spring")

    published = ["check", "publish"]
    assert acts(mirrored) == [*published, *published, *published, "unpublish"]


def test_iterations_are_mirrored_and_published_once_they_are_fit_to_answer(mirrored: Project) -> None:
    first, second = make_iteration(mirrored), make_iteration(mirrored)
    acts(mirrored)

    publishing.publish(iteration=first, by=None)
    publishing.publish(iteration=second, by=None, name="beside", policy=publishing.BESIDE)
    for iteration in (first, second):
        publishing.unpublish(iteration=iteration, by=None)
    learning.rename_iteration(first, name="Spring")
    learning.delete_iteration(first)

    published = ["check", "publish", "check", "publish", "unpublish", "unpublish"]
    assert acts(mirrored) == [*published, "rename_iteration", "delete_iteration"]
    assert Iteration.objects.get() == second


def test_plan_of_a_publication_asks_whether_it_is_fit_to_answer_and_changes_nothing(mirrored: Project) -> None:
    iteration = make_iteration(mirrored)
    acts(mirrored)

    publishing.plan_publication(iteration=iteration)

    assert acts(mirrored) == ["check"]
    assert not iteration.is_published
