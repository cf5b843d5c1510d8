"""What every trainer keeps to, whichever it is: through the services, as the rest of the program asks."""

from collections.abc import Iterator

import pytest
from django.conf import settings as configured
from django.utils import translation
from pytest_django import Settings

from engine.metrics import Score
from tests import factories
from tests.azurecv import azure_training
from training import backends
from training.backends.base import Trainer, TrainingOptions
from training.exceptions import Refused
from training.models import Iteration, Project, Tag
from training.services import images, learning, projects, publishing
from training.uploads import BATCH, ImageStatus, ImageUpload

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=sorted(configured.CLASSIFR_TRAINING_BACKENDS))
def name(request: pytest.FixtureRequest, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Each trainer in turn, made anew; Azure's has a service to talk to."""
    monkeypatch.setattr("azurecv.training.learning.POLL_S", 0.0)
    with azure_training.listening(settings) as azure, translation.override("en"):
        azure_training.whole_service(azure)
        yield str(request.param)


@pytest.fixture
def trainer(name: str) -> Trainer:
    return backends.get_trainer(name)


@pytest.fixture
def project(name: str) -> Project:
    return projects.create_project(name="Dishes", domain=Project.Domain.FOOD, backend=name)


@pytest.fixture
def iteration(project: Project, tags: list[Tag]) -> Iteration:
    """A trained one."""
    batch = [upload for tag in tags for upload in photos(tag, count=5)]
    images.upload_images(project=project, batch=batch, by=None)
    return learning.train_here(project=project, options=TrainingOptions(), by=None, watch=None)


def photos(*tags: Tag, count: int = 3) -> list[ImageUpload]:
    return [ImageUpload(f"{number}.jpg", factories.make_photo(), tags) for number in range(count)]


def is_share(value: float | None) -> bool:
    return value is None or 0 <= value <= 1


def is_honest(score: Score) -> bool:
    return is_share(score.precision) and is_share(score.recall) and is_share(score.average_precision)


def test_it_keeps_the_protocol(trainer: Trainer) -> None:
    assert isinstance(trainer, Trainer)


def test_it_knows_every_domain_that_a_project_may_have(trainer: Trainer) -> None:
    assert {each.name for each in trainer.domains()} >= set(Project.Domain.values)


def test_tags_are_made_once(project: Project, tags: list[Tag]) -> None:
    made, there = projects.create_tags(project=project, names=["Pizza", "curry"])

    assert [tag.name for tag in made] == ["curry"]
    assert there == [tags[0]]
    assert project.tags.count() == 3


def test_results_are_in_the_order_of_what_was_sent(trainer: Trainer, project: Project, tags: list[Tag]) -> None:
    held_out = ImageUpload("held out.jpg", factories.make_photo(), (tags[0],), held_out=True)
    corrupt = ImageUpload("broken.jpg", b"GIF89a", (tags[0],))
    batch = [held_out, *photos(tags[0]), corrupt, *photos(tags[1])]

    results = trainer.upload_images(project, batch, by=None)

    assert [each.name for each in results] == [each.name for each in batch]
    assert [each.status.is_ok for each in results] == [True] * 4 + [False] + [True] * 3
    assert [each.image.name for each in results if each.image] == [each.name for each in batch if each is not corrupt]
    assert tags[0].images.count() == 4


def test_same_batch_again_is_there_already(project: Project, tags: list[Tag]) -> None:
    batch = photos(tags[0])
    images.upload_images(project=project, batch=batch, by=None)

    results = images.upload_images(project=project, batch=batch, by=None)

    assert {each.status for each in results} == {ImageStatus.OK_DUPLICATE}
    assert project.images.count() == 3


def test_metadata_of_a_picture_that_comes_again_is_added(project: Project, tags: list[Tag]) -> None:
    content = factories.make_photo()
    for metadata in ({"camera": "1", "line": "3"}, {"camera": "2"}):
        images.upload_images(
            project=project, batch=[ImageUpload("a.jpg", content, (tags[0],), metadata=metadata)], by=None
        )

    assert project.images.get().metadata == {"camera": "2", "line": "3"}


def test_metadata_that_would_be_too_much_is_left_out(project: Project, tags: list[Tag]) -> None:
    content = factories.make_photo()
    first, second = ({f"{name}{number}": "" for number in range(6)} for name in "ab")
    for metadata in (first, second):
        images.upload_images(
            project=project, batch=[ImageUpload("a.jpg", content, (tags[0],), metadata=metadata)], by=None
        )

    assert project.images.get().metadata == first


def test_corrupt_file_is_refused_alone_with_a_sentence(project: Project, tags: list[Tag]) -> None:
    corrupt = ImageUpload("broken.jpg", factories.make_photo()[:400], (tags[0],))

    results = images.upload_images(project=project, batch=[*photos(tags[0]), corrupt], by=None)

    (refused,) = [each for each in results if not each.status.is_ok]
    assert (refused.name, refused.image) == ("broken.jpg", None)
    assert refused.detail.endswith(".")
    assert project.images.count() == 3


def test_batch_that_is_too_large_is_refused_whole(project: Project, tags: list[Tag]) -> None:
    with pytest.raises(Refused, match="65"):
        images.upload_images(project=project, batch=photos(tags[0], count=BATCH + 1), by=None)

    assert not project.images.exists()


def test_training_comes_to_its_end(iteration: Iteration) -> None:
    assert (iteration.status, iteration.error) == ("Completed", "")
    assert iteration.trained_at
    assert iteration.job
    assert iteration.job.state == "done"


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_figures_are_shares_or_unknown(trainer: Trainer, iteration: Iteration, threshold: float) -> None:
    found = trainer.performance(iteration, threshold=threshold)

    assert found.threshold == threshold
    assert is_honest(found.overall)
    assert [each.tag for each in found.per_tag] == ["pizza", "risotto"]
    assert all(is_honest(each.score) for each in found.per_tag)


def test_iteration_is_renamed(iteration: Iteration) -> None:
    learning.rename_iteration(iteration, name="Spring")

    iteration.refresh_from_db()
    assert iteration.name == "Spring"


@pytest.mark.proven
def test_iteration_is_published_and_unpublished(project: Project, iteration: Iteration) -> None:
    publishing.publish(iteration=iteration, by=None, name="best")
    project.refresh_from_db()
    assert project.live_iteration == iteration
    assert iteration.publish_name == "best"

    publishing.unpublish(iteration=iteration, by=None)
    project.refresh_from_db()
    assert project.live_iteration is None
    assert not iteration.is_published


def test_iteration_is_deleted_unless_it_is_published(project: Project, iteration: Iteration) -> None:
    publishing.publish(iteration=iteration, by=None)
    with pytest.raises(Refused, match="unpublish it first"):
        learning.delete_iteration(iteration)
    publishing.unpublish(iteration=iteration, by=None)

    learning.delete_iteration(iteration)

    assert not project.iterations.exists()
