"""Training images and their tags as an iteration knows them, which learned from them."""

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import numpy as np
from django.utils import timezone

from tests import factories
from tests.customvision.answers import Call, ids, uids
from tests.customvision.recordings import ANSWERS, MODELS, differences
from training import snapshots
from training.models import Image, ImageTag, Iteration, Project, Tag
from training.services.tagging import Pair, tag_here
from training.snapshots import Snapshot


def train(project: Project, images: list[Image], columns: list[Tag], **fields: Any) -> Iteration:
    """Make an iteration that learned from these images, as they are tagged now."""
    images = sorted(images, key=lambda image: image.picture.sha256)
    truths = np.array([[tag in image.tags.all() for tag in columns] for image in images], dtype=np.bool_)
    snapshot = Snapshot(
        tags=tuple(tag.name for tag in columns),
        tag_ids=tuple(tag.pk for tag in columns),
        sha256s=tuple(image.picture.sha256 for image in images),
        truths=truths,
        learned=np.ones(len(images), dtype=np.bool_),
        measured=np.zeros(len(images), dtype=np.bool_),
        probabilities=np.zeros((0, len(columns)), dtype=np.float32),
        multilabel=project.is_multilabel,
    )
    values = {
        "project": project,
        "number": 1,
        "name": "Iteration 1",
        "status": "Completed",
        "head_key": "heads/none",
        "snapshot_key": snapshots.write(snapshot),
        "labels": [[str(tag.uid), tag.name, tag.type] for tag in columns],
        "trained_at": timezone.now(),
    }
    return Iteration.objects.create(**{**values, **fields})


def test_iteration_lists_what_it_learned_from(call: Call, pets: SimpleNamespace) -> None:
    iteration = train(pets.project, pets.images[:3], [pets.dog, pets.cat])
    later = factories.make_image(project=pets.project, tags=[pets.dog])
    query = f"?iterationId={iteration.uid}"
    path = f"/projects/{pets.project.uid}/images"

    assert ids(call("get", f"{path}{query}")) == uids(*reversed(pets.images[:3]))
    assert ids(call("get", f"{path}/tagged{query}&tagIds={pets.cat.uid}&orderBy=Oldest")) == uids(*pets.images[1:3])
    assert ids(call("get", f"{path}/untagged{query}")) == []
    assert ids(call("get", f"{path}/id{query}&imageIds={later.uid},{pets.images[0].uid}")) == uids(pets.images[0])
    counts = [call("get", f"{path}{count}{query}").json() for count in ("/count", "/tagged/count", "/untagged/count")]
    assert counts == [3, 3, 0]


def test_iteration_knows_tags_as_they_were(call: Call, pets: SimpleNamespace) -> None:
    iteration = train(pets.project, pets.images[:3], [pets.dog, pets.cat])
    ImageTag.objects.filter(image=pets.images[0]).delete()
    tag_here(pets.project, [Pair(pets.images[0], pets.cat)])
    Tag.objects.filter(pk=pets.dog.pk).update(name="Canis")

    (told,) = call(
        "get", f"/projects/{pets.project.uid}/images?iterationId={iteration.uid}&orderBy=Oldest&take=1"
    ).json()

    assert [(each["tagId"], each["tagName"]) for each in told["tags"]] == [(str(pets.dog.uid), "dog")]
    assert list(differences(told, MODELS["Image"])) == []


def test_tag_that_was_deleted_since_still_finds_images_of_the_iteration(call: Call, pets: SimpleNamespace) -> None:
    iteration = train(pets.project, pets.images[:3], [pets.dog, pets.cat])
    uid = pets.dog.uid
    pets.dog.delete()

    answer = call("get", f"/projects/{pets.project.uid}/images?iterationId={iteration.uid}&tagIds={uid}")

    assert ids(answer) == uids(pets.images[2], pets.images[0])


def test_image_that_was_deleted_since_is_in_no_list(call: Call, pets: SimpleNamespace) -> None:
    iteration = train(pets.project, pets.images[:3], [pets.dog, pets.cat])

    call("delete", f"/projects/{pets.project.uid}/images?imageIds={pets.images[0].uid}&allIterations=true")

    answer = call("get", f"/projects/{pets.project.uid}/images?iterationId={iteration.uid}")
    assert ids(answer) == uids(pets.images[2], pets.images[1])


def test_iteration_knows_which_images_were_negative(call: Call, pets: SimpleNamespace) -> None:
    nothing = Tag.objects.create(project=pets.project, name="nothing", type="Negative")
    tag_here(pets.project, [Pair(pets.images[3], nothing)])
    iteration = train(pets.project, pets.images, [pets.dog, pets.cat])
    path = f"/projects/{pets.project.uid}"

    answer = call("get", f"{path}/images?iterationId={iteration.uid}&tagIds={nothing.uid}")

    assert [(each["id"], each["tags"][0]["tagName"]) for each in answer.json()] == [
        (str(pets.images[3].uid), "nothing")
    ]
    tag = call("get", f"{path}/tags/{nothing.uid}?iterationId={iteration.uid}").json()
    assert (tag["type"], tag["imageCount"]) == ("Negative", 1)


def test_tags_of_an_iteration_have_its_counts(call: Call, pets: SimpleNamespace) -> None:
    iteration = train(pets.project, pets.images[:3], [pets.cat, pets.dog])
    Tag.objects.create(project=pets.project, name="later")
    ImageTag.objects.all().delete()
    path = f"/projects/{pets.project.uid}/tags"

    told = call("get", f"{path}?iterationId={iteration.uid}").json()

    assert [(each["name"], each["imageCount"]) for each in told] == [("cat", 2), ("dog", 2)]
    assert call("get", f"{path}/{pets.dog.uid}?iterationId={iteration.uid}").json() == told[1]
    assert list(differences(told, ANSWERS["get_tags"])) == []


def test_tag_that_the_iteration_does_not_know_is_not_found(call: Call, pets: SimpleNamespace) -> None:
    iteration = train(pets.project, pets.images[:3], [pets.cat, pets.dog])
    later = Tag.objects.create(project=pets.project, name="later")
    path = f"/projects/{pets.project.uid}/tags"

    assert call("get", f"{path}/{later.uid}?iterationId={iteration.uid}").json()["code"] == "NotFoundTag"
    assert call("get", f"{path}/{uuid4()}").json()["code"] == "NotFoundTag"


def test_tags_of_an_iteration_are_listed_by_the_sdk(trainer: Any, pets: SimpleNamespace) -> None:
    iteration = train(pets.project, pets.images[:3], [pets.cat, pets.dog])

    assert [each.image_count for each in trainer.get_tags(pets.project.uid, iteration.uid)] == [2, 2]
    assert trainer.get_tag(pets.project.uid, pets.dog.uid, iteration.uid).name == "dog"


def test_iteration_that_is_not_trained_lists_nothing(call: Call, pets: SimpleNamespace) -> None:
    iteration = Iteration.objects.create(project=pets.project, number=1, name="Iteration 1")

    answer = call("get", f"/projects/{pets.project.uid}/images?iterationId={iteration.uid}")

    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequestIterationIsNotTrained")
