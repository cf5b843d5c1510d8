"""What others changed at Azure is taken over."""

from typing import Any
from uuid import UUID

import pytest

from azurecv.training import learning
from azurecv.training.answers import RemoteIteration
from azurecv.training.calls import Calls
from azurecv.training.mirror import CustomVisionMirror
from tests.azurecv import azure_training as recorded
from tests.azurecv.azure import RecordedAzure
from tests.azurecv.azure_training import at_azure, make_iteration
from training import examples
from training.backends.base import TrainingOptions
from training.exceptions import BackendUnavailable
from training.models import Iteration, Project, Tag

pytestmark = pytest.mark.django_db

REASON = "Changed at Azure Custom Vision"


def make_live(project: Project) -> Iteration:
    project.live_iteration = make_iteration(project, remote_id=recorded.ITERATION_ID, publish_name="live")
    project.save(update_fields=["live_iteration"])
    return project.live_iteration


def log(project: Project) -> list[tuple[str, str, str, str, str]]:
    lines = project.publications.order_by("pk")
    return list(lines.values_list("act", "iteration_name", "publish_name", "reason", "username"))


def test_tags_become_those_of_azure(
    azure: RecordedAzure, mirror: CustomVisionMirror, iteration: Iteration, pizza: Tag
) -> None:
    local = Tag.objects.create(project=iteration.project, name="Sushi")
    new, adopted = "11111111-0000-0000-0000-000000000001", "11111111-0000-0000-0000-000000000002"
    at_azure(
        azure,
        tags=[recorded.tag(name="Pizza pie"), recorded.tag(new, "curry"), recorded.tag(adopted, "sushi")],
        iterations=[],
    )

    sentence = mirror.sync(iteration.project)

    assert {tag.name: str(tag.remote_id) for tag in iteration.project.tags.all()} == {
        "Pizza pie": recorded.TAG_ID,
        "curry": new,
        "sushi": adopted,
    }
    assert Tag.objects.get(name="sushi") == local
    assert iteration.project.images.count() == 10
    assert "tags 1 new, 2 changed, 1 deleted" in sentence


def test_tag_may_take_the_name_that_another_gives_up(
    azure: RecordedAzure, mirror: CustomVisionMirror, project: Project, pizza: Tag, risotto: Tag
) -> None:
    tags = [recorded.tag(name="risotto"), recorded.tag(recorded.OTHER_TAG_ID, "curry")]
    at_azure(azure, tags=tags, iterations=[])

    mirror.sync(project)

    assert [tag.name for tag in project.tags.order_by("pk")] == ["risotto", "curry"]


def test_iterations_become_those_of_azure(azure: RecordedAzure, mirror: CustomVisionMirror, project: Project) -> None:
    project.iterations_made = 4
    project.save()
    make_iteration(project, remote_id="11111111-0000-0000-0000-000000000003")
    there = [
        recorded.completed(publishName="live"),
        recorded.iteration(recorded.OTHER_ITERATION_ID, status="Failed"),
        recorded.iteration("11111111-0000-0000-0000-000000000004", status="Staging"),
    ]
    at_azure(azure, tags=[], iterations=there)

    sentence = mirror.sync(project)

    assert [(row.number, row.status, row.publish_name) for row in project.iterations.order_by("number")] == [
        (5, "Completed", "live"),
        (6, "Failed", ""),
    ]
    assert project.iterations.get(number=5).metrics["precision"] == 0.9
    assert project.iterations_made == 6
    assert "iterations 2 new, 0 changed, 1 deleted" in sentence


def test_publish_name_that_went_to_another_goes_there_here_too(
    azure: RecordedAzure, mirror: CustomVisionMirror, project: Project
) -> None:
    former = make_iteration(project, remote_id=recorded.ITERATION_ID, publish_name="live")
    latter = make_iteration(project, remote_id=recorded.OTHER_ITERATION_ID)
    there = [recorded.completed(), recorded.completed(recorded.OTHER_ITERATION_ID, publishName="live")]
    at_azure(azure, tags=[], iterations=there)

    mirror.sync(project)

    former.refresh_from_db()
    latter.refresh_from_db()
    assert (former.publish_name, latter.publish_name) == ("", "live")


def test_iteration_in_training_is_left_alone(
    azure: RecordedAzure, mirror: CustomVisionMirror, project: Project
) -> None:
    make_iteration(project, remote_id=recorded.OTHER_ITERATION_ID, status="Training")
    at_azure(azure, tags=[], iterations=[])

    assert mirror.sync(project) == "Nothing has changed at Azure Custom Vision."
    assert project.iterations.count() == 1


@pytest.mark.parametrize("there", [[recorded.completed()], []], ids=["unpublished", "deleted"])
def test_what_was_unpublished_or_deleted_at_azure_is_no_longer_live(
    azure: RecordedAzure, mirror: CustomVisionMirror, project: Project, there: list[Any]
) -> None:
    make_live(project)
    at_azure(azure, tags=[], iterations=there)

    mirror.sync(project)

    project.refresh_from_db()
    assert project.live_iteration is None
    assert project.iterations.published().count() == 0
    assert project.iterations.count() == len(there)
    assert log(project) == [("unpublish", "Iteration 1", "live", REASON, "")]


def test_only_iteration_that_is_published_at_azure_becomes_live(
    azure: RecordedAzure, mirror: CustomVisionMirror, project: Project
) -> None:
    there = [recorded.completed(publishName="best"), recorded.completed(recorded.OTHER_ITERATION_ID)]
    at_azure(azure, tags=[], iterations=there)

    mirror.sync(project)

    live = Project.objects.get(pk=project.pk).live_iteration
    assert live
    assert (live.remote_id, live.publish_name) == (UUID(recorded.ITERATION_ID), "best")
    assert log(project) == [("publish", "Iteration 2", "best", REASON, "")]


def test_of_two_that_are_published_at_azure_neither_becomes_live(
    azure: RecordedAzure, mirror: CustomVisionMirror, project: Project
) -> None:
    other = recorded.completed(recorded.OTHER_ITERATION_ID, publishName="trial")
    at_azure(azure, tags=[], iterations=[recorded.completed(publishName="best"), other])

    mirror.sync(project)

    assert Project.objects.get(pk=project.pk).live_iteration is None
    assert log(project) == []


def test_iteration_that_took_the_place_of_the_live_one_at_azure_takes_it_here(
    azure: RecordedAzure, mirror: CustomVisionMirror, project: Project
) -> None:
    make_live(project)
    there = [recorded.completed(), recorded.completed(recorded.OTHER_ITERATION_ID, publishName="live")]
    at_azure(azure, tags=[], iterations=there)

    mirror.sync(project)

    live = Project.objects.get(pk=project.pk).live_iteration
    assert live
    assert live.remote_id == UUID(recorded.OTHER_ITERATION_ID)
    assert [line[0] for line in log(project)] == ["unpublish", "publish"]


def test_live_iteration_that_is_still_published_stays(
    azure: RecordedAzure, mirror: CustomVisionMirror, project: Project
) -> None:
    live = make_live(project)
    other = recorded.completed(recorded.OTHER_ITERATION_ID, publishName="live")
    at_azure(azure, tags=[], iterations=[recorded.completed(publishName="renamed"), other])

    mirror.sync(project)

    live.refresh_from_db()
    assert Project.objects.get(pk=project.pk).live_iteration == live
    assert live.publish_name == "renamed"
    assert log(project) == []


def test_what_is_published_here_while_azure_is_asked_stays_published(
    azure: RecordedAzure, mirror: CustomVisionMirror, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = make_live(project)
    at_azure(azure, tags=[], iterations=[recorded.completed()])
    asked = Calls.iterations

    def publish_meanwhile(calls: Calls, project: Project) -> list[RemoteIteration]:
        project.publications.create(act="publish", iteration=live, iteration_name=live.name, publish_name="live")
        return asked(calls, project)

    monkeypatch.setattr(Calls, "iterations", publish_meanwhile)

    with pytest.raises(BackendUnavailable, match="meanwhile"):
        mirror.sync(project)

    assert Project.objects.get(pk=project.pk).live_iteration == live


def test_second_synchronisation_finds_nothing(
    azure: RecordedAzure, mirror: CustomVisionMirror, project: Project
) -> None:
    at_azure(azure, tags=[recorded.tag()], iterations=[recorded.completed(publishName="live")])

    mirror.sync(project)

    assert mirror.sync(project) == "Nothing has changed at Azure Custom Vision."


def test_only_what_changed_at_azure_counts_as_modified(
    azure: RecordedAzure, mirror: CustomVisionMirror, project: Project
) -> None:
    there = [recorded.completed(publishName="live"), recorded.completed(recorded.OTHER_ITERATION_ID, name="Spring")]
    at_azure(azure, tags=[], iterations=there)
    mirror.sync(project)
    before = dict(project.iterations.values_list("name", "modified_at"))

    at_azure(azure, tags=[], iterations=[there[0], recorded.completed(recorded.OTHER_ITERATION_ID, name="Summer")])
    mirror.sync(project)

    after = dict(project.iterations.values_list("name", "modified_at"))
    assert after["Iteration 2"] == before["Iteration 2"]
    assert after["Summer"] > before["Spring"]


def test_iteration_that_azure_completed_after_all_is_completed(
    azure: RecordedAzure, mirror: CustomVisionMirror, project: Project
) -> None:
    row = make_iteration(project, remote_id=recorded.ITERATION_ID, status="Failed", error="It took too long.")
    at_azure(azure, tags=[], iterations=[recorded.completed()])

    mirror.sync(project)

    row.refresh_from_db()
    assert (row.status, row.error, row.metrics["recall"]) == ("Completed", "", 0.8)


def test_images_that_are_at_azure_alone_are_counted_and_trained_on(
    azure: RecordedAzure, mirror: CustomVisionMirror, iteration: Iteration
) -> None:
    """The project has five of each tag here; of one more tag Azure has all."""
    curry = "11111111-0000-0000-0000-000000000001"
    tags = [
        recorded.tag(imageCount=5),
        recorded.tag(recorded.OTHER_TAG_ID, "risotto", imageCount=12),
        recorded.tag(curry, "curry", imageCount=30),
    ]
    at_azure(azure, tags=tags, iterations=[])
    project, before = (
        iteration.project,
        examples.fingerprint(iteration.project, list(iteration.project.tags.all()), seed=0),
    )

    sentence = mirror.sync(project)

    counts = dict(project.tags.values_list("name", "images_elsewhere"))
    assert counts == {"pizza": 0, "risotto": 7, "curry": 30}
    assert "37 images are at Azure alone" in sentence
    chosen = examples.check(project)
    assert [tag.name for tag in chosen] == ["curry", "pizza", "risotto"]
    assert [tag.name for tag in learning._chosen_tags(project, TrainingOptions())] == ["curry", "pizza", "risotto"]
    assert examples.fingerprint(project, chosen[1:], seed=0) != before
