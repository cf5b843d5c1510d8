"""How good an iteration is, and on which pictures that was measured."""

from typing import Any
from uuid import UUID

import numpy as np
import pytest
from pytest_django import Settings

from engine.splitting import Part
from tests import factories
from tests.azurecv import azure_training as recorded
from tests.azurecv.azure import RecordedAnswer
from tests.customvision.answers import Call, refusal
from tests.customvision.trainable import add_images, make_trainable, make_trained
from training import snapshots
from training.models import Image, Iteration, Project, Tag
from training.services import projects
from training.services.starter import add_iteration
from training.services.tagging import Pair, tag_images
from training.snapshots import Snapshot

pytestmark = pytest.mark.django_db
FIGURES = {"precision", "precisionStdDeviation", "recall", "recallStdDeviation", "averagePrecision"}


def ask(call: Call, iteration: Iteration, what: str = "") -> Any:
    return call("get", f"/projects/{iteration.project.uid}/iterations/{iteration.uid}/performance{what}")


def make_measured(*probabilities: float, type: str = "Multiclass") -> Iteration:
    """Make an iteration of "cherry" and "hemlock" that gave cherry these probabilities, on one picture of each in turn.

    Its tags are those of the project, and it was trained before they were written down with it.
    """
    project = factories.make_project(domain="Food", type=type)
    tags = [Tag.objects.create(project=project, name=name) for name in ("cherry", "hemlock")]
    images = [
        factories.make_image(project=project, tags=[tags[row % 2]], size=(64, 48)) for row in range(len(probabilities))
    ]
    given = np.array(probabilities, dtype=np.float32)
    snapshot = Snapshot(
        tags=("cherry", "hemlock"),
        tag_ids=tuple(tag.pk for tag in tags),
        sha256s=tuple(image.picture.sha256 for image in images),
        truths=np.arange(len(images))[:, None] % 2 == np.arange(2),
        learned=np.zeros(len(images), dtype=np.bool_),
        measured=np.ones(len(images), dtype=np.bool_),
        probabilities=np.stack([given, 1 - given], axis=1),
        multilabel=type == "Multilabel",
    )
    iteration = add_iteration(project=project, head=factories.make_head("cherry", "hemlock"), metrics={})
    Iteration.objects.filter(pk=iteration.pk).update(snapshot_key=snapshots.write(snapshot))
    iteration.refresh_from_db()
    return iteration


# Figures


def test_figures_are_told_as_the_service_does(call: Call) -> None:
    iteration = make_trained(make_trainable(type="Multilabel"))

    told = ask(call, iteration, "?threshold=0.9").json()

    assert told.keys() == FIGURES | {"perTagPerformance"}
    assert all(each.keys() == FIGURES | {"id", "name"} for each in told["perTagPerformance"])
    assert all(isinstance(told[name], float) for name in FIGURES)
    ids = {each["name"]: each["id"] for each in told["perTagPerformance"]}
    assert ids == {tag.name: str(tag.uid) for tag in iteration.project.tags.all()}


def test_figures_are_those_of_the_threshold(trainer: Any) -> None:
    iteration = make_measured(0.9, 0.4, 0.6, 0.2)

    def at(**options: float) -> tuple[float, float]:
        told = trainer.get_iteration_performance(iteration.project.uid, iteration.uid, **options)
        return told.precision, told.recall

    assert at() == (1.0, 1.0)
    assert at(threshold=0.7, overlap_threshold=0.3) == (1.0, 0.5)
    assert at(threshold=0.3) == (0.666666667, 1.0)


def test_what_is_not_known_is_zero(call: Call) -> None:
    told = ask(call, make_measured(0.6, 0.4), "?threshold=1").json()

    assert (told["precision"], told["recall"]) == (0.0, 0.0)


def test_tags_are_known_by_their_ids_after_they_were_renamed(call: Call) -> None:
    iteration = make_measured(0.9, 0.1)
    cherry = iteration.project.tags.get(name="cherry")
    projects.rename_tag(cherry, name="cherries")

    told = ask(call, iteration).json()["perTagPerformance"][0]

    assert (told["id"], told["name"]) == (str(cherry.uid), "cherry")


def test_a_deleted_tag_keeps_one_id(call: Call) -> None:
    iteration = make_measured(0.9, 0.1)
    iteration.project.tags.get(name="cherry").delete()

    first, second = (ask(call, iteration).json()["perTagPerformance"][0]["id"] for _ in range(2))

    assert UUID(first) == UUID(second)


@pytest.mark.parametrize("threshold", ["-0.1", "1.1", "nan", "high"])
def test_a_threshold_that_is_none_is_refused(call: Call, threshold: str) -> None:
    answer = ask(call, make_measured(0.9, 0.1), f"?threshold={threshold}")

    assert refusal(answer) == (400, "BadRequest")
    assert "threshold" in answer.json()["message"]


@pytest.mark.parametrize("what", ["", "/images", "/images/count"])
@pytest.mark.parametrize("status", ["New", "Training", "Failed"])
def test_what_is_not_trained_has_no_figures(call: Call, what: str, status: str) -> None:
    error = "Why" if status == "Failed" else ""
    iteration = Iteration.objects.create(
        project=factories.make_project(), number=1, name="Iteration 1", status=status, error=error
    )

    assert refusal(ask(call, iteration, what)) == (400, "BadRequestIterationIsNotTrained")


def test_figures_that_came_with_a_model_are_told(call: Call, food_project: Project) -> None:
    food_project.iterations.update(snapshot_key="")
    iteration = food_project.iterations.get()

    told = ask(call, iteration).json()

    assert len(told["perTagPerformance"]) == 101
    assert told["precision"] == pytest.approx(iteration.metrics["precision"], abs=1e-6)


def test_a_model_that_came_without_figures_has_none(call: Call) -> None:
    project = factories.make_project(domain="Food")
    iteration = add_iteration(project=project, head=factories.make_head(), metrics={})

    assert refusal(ask(call, iteration)) == (404, "NotFoundIterationPerformance")


def test_figures_of_azure_are_passed_on(call: Call, settings: Settings) -> None:
    project = factories.make_project(backend="customvision", remote_id=recorded.PROJECT_ID)
    tag = Tag.objects.create(project=project, name="pizza", remote_id=recorded.TAG_ID)
    iteration = recorded.make_iteration(project, remote_id=recorded.ITERATION_ID)
    figures = dict.fromkeys(FIGURES, 0.5)
    there = {**figures, "perTagPerformance": [{"id": recorded.TAG_ID, "name": "pizza", **figures}]}
    with recorded.listening(settings) as azure:
        azure.on("GET", f"{recorded.ITERATION}/performance", RecordedAnswer(200, there))
        told = ask(call, iteration, "?threshold=0.7").json()
        asked = azure.sent("GET", f"{recorded.ITERATION}/performance")[0].query

    assert (told["precision"], told["perTagPerformance"][0]["id"]) == (0.5, str(tag.uid))
    assert asked["threshold"] == "0.7"
    assert ask(call, iteration, "/images").json() == []
    assert ask(call, iteration, "/images/count").json() == 0


# Pictures


def test_held_out_pictures_are_told_with_what_is_said_of_them(trainer: Any) -> None:
    iteration = make_trained()
    snapshot = snapshots.read(iteration.snapshot_key)

    listed = trainer.get_image_performances(iteration.project.uid, iteration.uid)

    images = {str(image.uid): image for image in iteration.project.images.select_related("picture")}
    assert {images[each.id].picture.sha256 for each in listed} == set(snapshot.measured_sha256s)
    first = listed[0]
    assert (first.width, first.height) == (64, 48)
    assert [tag.tag_name for tag in first.tags] == [tag.name for tag in images[first.id].tags.all()]
    row = snapshot.measured_sha256s.index(images[first.id].picture.sha256)
    said = [each.probability for each in first.predictions]
    assert said == pytest.approx(sorted(snapshot.probabilities[row].tolist(), reverse=True))
    assert {each.tag_id for each in first.predictions} == {str(tag.uid) for tag in iteration.project.tags.all()}


def test_pictures_are_told_field_by_field(call: Call) -> None:
    first = ask(call, make_measured(0.9, 0.1), "/images").json()[0]

    names = {"id", "created", "width", "height", "imageUri", "thumbnailUri", "tags", "predictions"}
    assert first.keys() == names
    assert first["tags"][0].keys() == {"tagId", "tagName", "created"}
    assert first["predictions"][0].keys() == {"probability", "tagId", "tagName", "tagType"}
    assert "/customvision/files/" in first["imageUri"]
    assert "/t-" in first["thumbnailUri"]


def test_pictures_are_counted(trainer: Any) -> None:
    iteration = make_measured(0.9, 0.1, 0.8)
    cherry = iteration.project.tags.get(name="cherry")

    assert trainer.get_image_performance_count(iteration.project.uid, iteration.uid) == 3
    assert trainer.get_image_performance_count(iteration.project.uid, iteration.uid, tag_ids=[str(cherry.uid)]) == 2


def test_pictures_are_paged_in_order(call: Call) -> None:
    iteration = make_measured(0.9, 0.1, 0.8)
    made = [str(uid) for uid in iteration.project.images.order_by("pk").values_list("uid", flat=True)]

    def ids(query: str) -> list[str]:
        return [each["id"] for each in ask(call, iteration, f"/images{query}").json()]

    assert ids("") == made[::-1]
    assert ids("?orderBy=Oldest") == made
    assert ids("?orderBy=Oldest&take=1&skip=1") == made[1:2]
    assert ids("?skip=3") == ids("?take=0") == []


def test_pictures_of_any_of_several_tags_are_listed(call: Call) -> None:
    iteration = make_measured(0.9, 0.1, 0.8)
    cherry, hemlock = iteration.project.tags.order_by("name").values_list("uid", flat=True)

    assert len(ask(call, iteration, f"/images?tagIds={cherry}").json()) == 2
    assert len(ask(call, iteration, f"/images?tagIds={hemlock}").json()) == 1
    assert len(ask(call, iteration, f"/images?tagIds={hemlock},{cherry}").json()) == 3


def test_a_picture_keeps_the_tag_on_which_it_was_measured(call: Call) -> None:
    iteration = make_measured(0.9, 0.1)
    image = Image.objects.filter(tags__name="cherry").get()
    tag_images(iteration.project, [Pair(image, iteration.project.tags.get(name="hemlock"))], replace=True)

    told = {each["id"]: each for each in ask(call, iteration, "/images").json()}[str(image.uid)]

    assert [tag["tagName"] for tag in told["tags"]] == ["cherry"]


def test_a_deleted_picture_is_neither_listed_nor_counted(call: Call) -> None:
    iteration = make_measured(0.9, 0.1)
    iteration.project.images.first().delete()  # type: ignore[union-attr]

    assert len(ask(call, iteration, "/images").json()) == ask(call, iteration, "/images/count").json() == 1


def test_a_picture_of_nothing_has_the_negative_tag(call: Call) -> None:
    project = make_trainable(type="Multilabel")
    nothing = Tag.objects.create(project=project, name="nothing", type="Negative")
    add_images(nothing)
    factories.make_image(project=project, tags=[nothing], part=Part.HELD_OUT.value)
    for name in ("hemlock", "cherry"):
        factories.make_image(project=project, tags=[project.tags.get(name=name)], part=Part.HELD_OUT.value)
    iteration = make_trained(project)

    listed = ask(call, iteration, f"/images?tagIds={nothing.uid}").json()

    assert [[tag["tagName"] for tag in each["tags"]] for each in listed] == [["nothing"]] * len(listed)
    assert len(listed) == ask(call, iteration, f"/images/count?tagIds={nothing.uid}").json() > 0
    assert "nothing" not in {each["tagName"] for each in listed[0]["predictions"]}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("?orderBy=Suggested", "BadRequest"),
        ("?take=257", "BadRequest"),
        ("?take=-1", "BadRequest"),
        ("?skip=-1", "BadRequest"),
        ("?tagIds=cherry", "BadRequest"),
        ("?tagIds=00000000-0000-4000-8000-000000000000", "BadRequestInvalidIds"),
        ("?tagIds=" + ",".join(["00000000-0000-4000-8000-000000000000"] * 21), "BadRequestExceededBatchSize"),
    ],
)
def test_a_list_that_cannot_be_is_refused(call: Call, query: str, code: str) -> None:
    assert refusal(ask(call, make_measured(0.9, 0.1), f"/images{query}")) == (400, code)


def test_a_page_takes_as_many_queries_for_many_as_for_one(call: Call, django_assert_max_num_queries: Any) -> None:
    iteration = make_measured(*[0.9, 0.1] * 5)
    call("get", "/projects")  # the key is noted as used

    with django_assert_max_num_queries(6):
        assert len(ask(call, iteration, "/images").json()) == 10
