"""Tags suggested for images that have none."""

import json
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from catalog.models import Vector
from customvision import suggestions
from engine import backbones, heads
from engine.heads import Head
from tests.customvision.answers import Call, refusal
from tests.factories import make_image, make_photo, make_picture, make_project
from training.heads import write_head
from training.labels import Label, dump_labels, labels_of
from training.models import Image, Iteration, Project, Tag
from training.vectors import embed_now

CARD = backbones.for_domain(Project.Domain.FOOD)


@pytest.fixture
def project(db: None) -> Project:
    """A project whose iteration says how "hot" a picture is by the first number of its vector."""
    made = make_project(type=Project.Type.MULTILABEL, domain=Project.Domain.FOOD)
    tags = [Tag.objects.create(project=made, name=name) for name in ("hot", "sweet")]
    weights = np.zeros((CARD.vector_length, 2), dtype=np.float32)
    weights[0, 0] = 10
    head = Head(
        tags=("hot", "sweet"),
        backbone=CARD.name,
        backbone_sha256=CARD.sha256,
        weights=weights,
        bias=np.array([0, -10], dtype=np.float32),
        temperature=1.0,
        multilabel=True,
    )
    Iteration.objects.create(
        project=made,
        number=1,
        name="Iteration 1",
        status=Iteration.Status.COMPLETED,
        backbone=CARD.name,
        head_key=write_head(heads.dumps(head)),
        labels=dump_labels(map(Label.of, tags)),
    )
    return made


def add(project: Project, heat: float | None, **fields: Any) -> Image:
    """Add an image; heat: -1 to 1, 0 where the iteration has no idea; None: it has no vector."""
    image = make_image(project=project, picture=make_picture(), **fields)
    if heat is not None:
        value = np.zeros(CARD.vector_length, dtype=np.float32)
        value[:2] = heat, np.sqrt(1 - heat**2)
        Vector.objects.create(picture=image.picture, backbone=CARD.name, value=value)
    return image


def uid(project: Project, tag: str) -> str:
    return str(project.tags.get(name=tag).uid)


def ask(call: Call, project: Project, operation: str, body: Any = None, *, iteration: Any = None) -> Any:
    iteration = iteration or project.iterations.get().uid
    path = f"/projects/{project.uid}/images/{operation}?iterationId={iteration}"
    return call("post", path, data=json.dumps(body or {}), content_type="application/json")


def ids(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [each["id"] for each in response.json()["results"]]


# By the SDK, over HTTP


def test_sdk_asks_for_suggested_images_and_counts(trainer: Any, project: Project) -> None:
    hot, _cold = add(project, 0.9), add(project, -0.9)
    iteration, tag = project.iterations.get().uid, uid(project, "hot")

    found = trainer.query_suggested_images(
        project.uid, iteration, {"tag_ids": [tag], "threshold": 0.5, "max_count": 10}
    )
    counts = trainer.query_suggested_image_count(project.uid, iteration, tag_ids=[tag], threshold=0.5)

    assert [each.id for each in found.results] == [str(hot.uid)]
    assert counts == {tag: 1}


def test_sdk_asks_what_images_may_show(trainer: Any, food_project: Project) -> None:
    images = [make_image(project=food_project, picture=make_picture()) for _ in range(2)]
    wanted = [str(image.uid) for image in images]

    found = trainer.suggest_tags_and_regions(food_project.uid, food_project.iterations.get().uid, wanted)

    assert [each.id for each in found] == wanted
    assert all(len(each.predictions) == 101 and 0 <= each.prediction_uncertainty <= 1 for each in found)
    assert Vector.objects.count() == 2


# Shapes


def test_suggested_images_are_as_recorded(call: Call, project: Project) -> None:
    image = add(project, 0.5)
    tag = uid(project, "hot")

    answer = ask(call, project, "suggested", {"tagIds": [tag], "threshold": 0.0, "maxCount": 10}).json()

    assert answer["token"] == {
        "tagIds": [tag],
        "threshold": 0.0,
        "session": f"2:{image.pk}",
        "continuation": None,
        "maxCount": 10,
        "sortBy": "UncertaintyAscending",
    }
    [result] = answer["results"]
    assert set(result) == {
        *("width", "height", "resizedImageUri", "thumbnailUri", "originalImageUri", "domain"),
        *("id", "project", "iteration", "created", "predictions", "predictionUncertainty"),
    }
    assert (result["width"], result["height"]) == (320, 240)
    assert [each["tagName"] for each in result["predictions"]] == ["hot", "sweet"]


def test_suggestions_for_images_are_as_recorded(call: Call, project: Project) -> None:
    image = add(project, 0.5)
    query = f"iterationId={project.iterations.get().uid}&imageIds={image.uid}"

    [answer] = call("post", f"/projects/{project.uid}/tagsandregions/suggestions?{query}").json()

    names = ["id", "project", "iteration", "created", "predictions", "predictionUncertainty"]
    assert list(answer) == names
    assert answer["id"] == str(image.uid)


# What is found


def test_images_are_ordered_by_what_is_known_of_them(call: Call, project: Project) -> None:
    sure, unsure, fair = (str(add(project, heat).uid) for heat in (0.9, 0.0, -0.2))

    assert ids(ask(call, project, "suggested")) == [sure, fair, unsure]
    assert ids(ask(call, project, "suggested", {"sortBy": "UncertaintyDescending"})) == [unsure, fair, sure]


def test_images_with_tags_and_in_quarantine_are_left_out(call: Call, project: Project) -> None:
    add(project, 0.9, tags=[project.tags.get(name="hot")])
    add(project, 0.9, quarantine="broken")
    free = add(project, 0.9)

    assert ids(ask(call, project, "suggested")) == [str(free.uid)]
    assert ask(call, project, "suggested/count").json()[uid(project, "hot")] == 1


@pytest.mark.parametrize("sort_by", ["UncertaintyAscending", "UncertaintyDescending"])
def test_pages_show_each_once_although_others_come(sort_by: str, call: Call, project: Project) -> None:
    wanted = {str(add(project, heat).uid) for heat in (0.1, 0.1, 0.2, 0.3, 0.1)}
    seen: list[str] = []
    token: dict[str, Any] = {"sortBy": sort_by, "maxCount": 2}

    for _ in range(3):
        answer = ask(call, project, "suggested", token)
        seen += ids(answer)
        token = answer.json()["token"]
        add(project, 0.1)

    assert token["continuation"] is None
    assert sorted(seen) == sorted(wanted)


def test_counts_are_of_all_tags_where_none_is_named(call: Call, project: Project) -> None:
    add(project, 0.9)
    add(project, -0.9)

    answer = ask(call, project, "suggested/count", {"threshold": 0.5}).json()

    assert answer == {uid(project, "hot"): 1, uid(project, "sweet"): 0}


def test_tag_that_the_iteration_does_not_know_is_suggested_for_no_image(call: Call, project: Project) -> None:
    add(project, 0.9)
    young = str(Tag.objects.create(project=project, name="young").uid)

    assert ids(ask(call, project, "suggested", {"tagIds": [young]})) == []
    assert ask(call, project, "suggested/count", {"tagIds": [young]}).json() == {young: 0}


def test_vectors_that_are_missing_are_computed_for_a_few_images(
    call: Call, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suggestions, "_EMBEDDED_NOW", 1)
    older, newer = add(project, None), add(project, None)

    assert ids(ask(call, project, "suggested")) == [str(newer.uid)]
    assert not Vector.objects.filter(picture=older.picture).exists()


def test_images_that_the_storage_does_not_give_are_left_out(
    call: Call, project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    known, _lost = add(project, 0.9), add(project, None)
    assert ids(ask(call, project, "suggested", {"maxCount": 1}))  # the head is read
    Vector.objects.exclude(picture=known.picture).delete()
    (tmp_path / "blobs" / "pictures").rename(tmp_path / "away")
    (tmp_path / "blobs" / "pictures").write_bytes(b"")

    assert ids(ask(call, project, "suggested")) == [str(known.uid)]


def test_only_so_many_images_are_looked_at(call: Call, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggestions, "MOST_IMAGES", 1)
    _older, newer = add(project, 0.9), add(project, 0.9)

    assert ids(ask(call, project, "suggested")) == [str(newer.uid)]


def test_images_are_answered_in_the_order_asked_without_those_that_are_gone(call: Call, project: Project) -> None:
    first, second = add(project, 0.1), add(project, 0.2)
    asked = f"{second.uid},{uuid4()},{first.uid},{second.uid}"
    path = f"/projects/{project.uid}/tagsandregions/suggestions"

    answer = call("post", f"{path}?iterationId={project.iterations.get().uid}&imageIds={asked}").json()

    assert [each["id"] for each in answer] == [str(second.uid), str(first.uid)]


def test_suggestions_are_what_a_quick_test_says(call: Call, food_project: Project) -> None:
    photo = make_photo()
    image = make_image(project=food_project, content=photo)
    embed_now(Image.objects.filter(pk=image.pk), backbone=backbones.get(CARD.name, threads=1), most=1)
    tests = f"/projects/{food_project.uid}/quicktest/image?store=false"
    path = f"/projects/{food_project.uid}/tagsandregions/suggestions"

    tested = call("post", tests, data=photo, content_type="application/octet-stream").json()
    query = f"iterationId={food_project.iterations.get().uid}&imageIds={image.uid}"
    [suggested] = call("post", f"{path}?{query}").json()

    first, same = tested["predictions"][0], suggested["predictions"][0]
    assert same["tagId"] == first["tagId"] == str(labels_of(food_project.iterations.get())[first["tagName"]].uid)
    assert same["probability"] == pytest.approx(first["probability"], abs=1e-4)


# What is refused


@pytest.mark.parametrize("operation", ["suggested", "suggested/count"])
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"tagIds": [str(uuid4())]}, 404, "NotFoundTag"),
        ({"tagIds": ["hot"]}, 400, "BadRequest"),
        ({"threshold": 1.5}, 400, "BadRequest"),
    ],
)
def test_tags_and_thresholds_must_make_sense(
    operation: str, body: Any, status: int, code: str, call: Call, project: Project
) -> None:
    assert refusal(ask(call, project, operation, body)) == (status, code)


@pytest.mark.parametrize("body", [{"sortBy": "Best"}, {"maxCount": 1000}, {"session": "1:5"}, {"continuation": "x"}])
def test_page_that_makes_no_sense_is_refused(body: Any, call: Call, project: Project) -> None:
    assert refusal(ask(call, project, "suggested", body)) == (400, "BadRequest")


@pytest.mark.parametrize("operation", ["suggested", "suggested/count"])
def test_iteration_must_be_there_trained_and_ours(operation: str, call: Call, project: Project) -> None:
    new = project.iterations.create(number=2, name="Iteration 2")
    remote = project.iterations.create(
        number=3, name="Iteration 3", status=Iteration.Status.COMPLETED, remote_id=uuid4()
    )

    assert refusal(ask(call, project, operation, iteration=uuid4())) == (404, "NotFoundIteration")
    assert refusal(ask(call, project, operation, iteration=new.uid)) == (400, "BadRequestIterationIsNotTrained")
    assert refusal(ask(call, project, operation, iteration=remote.uid)) == (400, "BadRequestNotSupported")


def test_suggestions_are_for_64_images_at_most(call: Call, project: Project) -> None:
    asked = ",".join(str(uuid4()) for _ in range(65))
    path = f"/projects/{project.uid}/tagsandregions/suggestions"

    response = call("post", f"{path}?iterationId={project.iterations.get().uid}&imageIds={asked}")

    assert refusal(response) == (400, "BadRequestExceededBatchSize")
