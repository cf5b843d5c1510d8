"""Training images are listed, counted and deleted."""

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.models import Job
from tests import factories
from tests.customvision.answers import Call, ids, uids
from tests.customvision.recordings import MODELS, differences
from training.models import Image, Project

LISTINGS = ("/images", "/images/tagged", "/images/untagged")
COUNTS = tuple(f"{listing}/count" for listing in LISTINGS)


# By the SDK


def test_images_are_listed_by_the_sdk(trainer: Any, pets: SimpleNamespace) -> None:
    project = pets.project.uid

    assert [each.id for each in trainer.get_images(project)] == uids(*reversed(pets.images))
    assert [each.id for each in trainer.get_tagged_images(project, take=1)] == uids(pets.images[2])
    assert [each.id for each in trainer.get_untagged_images(project)] == uids(pets.images[3])
    assert [each.id for each in trainer.get_images_by_ids(project, uids(pets.images[1]))] == uids(pets.images[1])


def test_images_are_counted_by_the_sdk(trainer: Any, pets: SimpleNamespace) -> None:
    project = pets.project.uid

    assert trainer.get_image_count(project, tagging_status="All") == 4
    assert trainer.get_tagged_image_count(project, tag_ids=[pets.dog.uid]) == 2
    assert trainer.get_untagged_image_count(project) == 1


def test_images_are_deleted_by_the_sdk(trainer: Any, pets: SimpleNamespace) -> None:
    trainer.delete_images(pets.project.uid, uids(*pets.images[:2]))

    assert set(pets.project.images.all()) == set(pets.images[2:])
    trainer.delete_images(pets.project.uid, all_images=True, all_iterations=True)
    assert not pets.project.images.exists()


# What is answered


def test_image_has_the_fields_that_were_recorded(call: Call, pets: SimpleNamespace) -> None:
    (told,) = call("get", f"/projects/{pets.project.uid}/images?orderBy=Oldest&take=1").json()

    assert list(differences(told, MODELS["Image"])) == []
    assert [tag["tagName"] for tag in told["tags"]] == ["dog"]
    assert told["resizedImageUri"] == told["originalImageUri"] != told["thumbnailUri"]


def test_tags_and_metadata_are_absent_when_there_are_none(call: Call, pets: SimpleNamespace) -> None:
    Image.objects.filter(pk=pets.images[0].pk).update(metadata={"line": "1"})

    newest, *_others, oldest = call("get", f"/projects/{pets.project.uid}/images").json()

    assert not {"tags", "metadata"} & newest.keys()
    assert oldest["metadata"] == {"line": "1"}


@pytest.mark.parametrize("path", COUNTS)
def test_counts_are_bare_numbers(call: Call, pets: SimpleNamespace, path: str) -> None:
    assert call("get", f"/projects/{pets.project.uid}{path}").content in {b"4", b"3", b"1"}


# Which images


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [3, 2, 1, 0]),
        ("?orderBy=Oldest", [0, 1, 2, 3]),
        ("?orderBy=newest&take=2", [3, 2]),
        ("?take=2&skip=1", [2, 1]),
        ("?take=0", []),
        ("?skip=4", []),
        ("?taggingStatus=Tagged", [2, 1, 0]),
        ("?taggingStatus=Untagged", [3]),
        ("?tagIds={dog}", [2, 0]),
        ("?tagIds={dog},{cat}", [2, 1, 0]),
        ("?tagIds={dog}%2C{cat}", [2, 1, 0]),
        ("?tagIds={dog}&tagIds={cat}", [2, 1, 0]),
        ("?tagIds={dog}&taggingStatus=Untagged", []),
        ("?tagIds=00000000-0000-4000-8000-000000000000", []),
    ],
)
def test_images_are_chosen(call: Call, pets: SimpleNamespace, query: str, expected: list[int]) -> None:
    query = query.format(dog=pets.dog.uid, cat=pets.cat.uid)

    answer = call("get", f"/projects/{pets.project.uid}/images{query}")

    assert ids(answer) == uids(*(pets.images[place] for place in expected))


@pytest.mark.parametrize(
    ("query", "expected"), [("", 4), ("?taggingStatus=Untagged", 1), ("?tagIds={dog}", 2), ("?tagIds={dog},{cat}", 3)]
)
def test_images_are_counted_as_they_are_chosen(call: Call, pets: SimpleNamespace, query: str, expected: int) -> None:
    query = query.format(dog=pets.dog.uid, cat=pets.cat.uid)

    assert call("get", f"/projects/{pets.project.uid}/images/count{query}").json() == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("metadata=line eq '1'", [1, 0]),
        ("line eq '1'", [1, 0]),
        ("METADATA = line EQ '1' AND day NE 'Mon'", [1]),
        ("line ne '1'", [3, 2]),
        ("line eq '2' or day eq 'Mon'", [2, 0]),
        ("line eq '1' and day eq 'Mon' or line eq '2'", [2, 0]),
        ("line eq '2' or line eq '1' and day eq 'Mon'", [2, 0]),
        ("'le jour' eq 'l''été à 10 %'", [3]),
        ("line eq 'and'", []),
    ],
)
def test_images_are_found_by_metadata(call: Call, pets: SimpleNamespace, expression: str, expected: list[int]) -> None:
    pairs = [{"line": "1", "day": "Mon"}, {"line": "1"}, {"line": "2"}, {"le jour": "l'été à 10 %"}]
    for image, metadata in zip(pets.images, pairs, strict=True):
        Image.objects.filter(pk=image.pk).update(metadata=metadata)

    path = f"/projects/{pets.project.uid}/images"

    assert ids(call("get", path, query_params={"$filter": expression})) == uids(*(pets.images[i] for i in expected))
    assert call("get", f"{path}/count", query_params={"$filter": expression}).json() == len(expected)


@pytest.mark.parametrize(
    "expression",
    [
        "metadata=",
        "line",
        "line eq",
        "line gt '1'",
        "line eq '1",
        "line eq '1' and",
        "line eq '1' xor day eq '2'",
        "(line eq '1')",
        "line eq '1' day eq '2'",
        "line eq '\0'",
        " and ".join(["line eq '1'"] * 21),
        "'" * 5_000,
    ],
)
def test_filter_that_cannot_be_read_is_told(call: Call, project: Project, expression: str) -> None:
    answer = call("get", f"/projects/{project.uid}/images", query_params={"$filter": expression})

    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequest")
    assert "metadata=key1 eq 'value1' and key2 ne 'value2'" in answer.json()["message"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("take=257", "256"),
        ("take=-1", "take"),
        ("take=many", "take"),
        ("skip=-1", "skip"),
        ("skip=99999999999999999999", "skip"),
        ("orderBy=Random", "Newest and Oldest"),
        ("taggingStatus=Some", "All, Tagged and Untagged"),
        ("tagIds=dog", "UUID"),
        ("iterationId=first", "UUID"),
    ],
)
def test_query_that_makes_no_sense_is_told(call: Call, project: Project, query: str, said: str) -> None:
    answer = call("get", f"/projects/{project.uid}/images?{query}")

    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequest")
    assert said in answer.json()["message"]


@pytest.mark.parametrize("path", ["/images", "/images/tagged"])
def test_more_than_twenty_tags_are_refused(call: Call, project: Project, path: str) -> None:
    answer = call("get", f"/projects/{project.uid}{path}?tagIds={','.join(str(uuid4()) for _ in range(21))}")

    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequestExceededBatchSize")
    assert "21" in answer.json()["message"]


@pytest.mark.parametrize("path", [*LISTINGS, *COUNTS, "/images/id"])
def test_images_of_an_unknown_project_or_iteration_are_not_found(call: Call, project: Project, path: str) -> None:
    assert call("get", f"/projects/{uuid4()}{path}").json()["code"] == "NotFoundProject"
    assert call("get", f"/projects/{project.uid}{path}?iterationId={uuid4()}").json()["code"] == "NotFoundIteration"


def test_images_of_these_ids_are_listed_oldest_first(call: Call, pets: SimpleNamespace) -> None:
    other = factories.make_image()
    wanted = uids(pets.images[2], other, pets.images[0])

    answer = call("get", f"/projects/{pets.project.uid}/images/id?imageIds={'%2C'.join(wanted)},{uuid4()}")

    assert ids(answer) == uids(pets.images[0], pets.images[2])


def test_more_than_256_ids_are_refused(call: Call, project: Project) -> None:
    wanted = ",".join(str(uuid4()) for _ in range(257))

    for method, path in (("get", "/images/id"), ("delete", "/images")):
        answer = call(method, f"/projects/{project.uid}{path}?imageIds={wanted}")
        assert (answer.status_code, answer.json()["code"]) == (400, "BadRequestExceededBatchSize")


@pytest.mark.parametrize("path", LISTINGS)
def test_listing_takes_as_many_queries_for_one_image_as_for_many(call: Call, pets: SimpleNamespace, path: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            call("get", f"/projects/{pets.project.uid}{path}?tagIds={pets.dog.uid}")
        return len(captured)

    queries()  # notes that the key was used
    few = queries()
    for number in range(10):
        factories.make_image(project=pets.project, tags=[pets.dog, pets.cat] if number % 2 else [])

    assert queries() == few <= 6


# Deleted


@pytest.mark.parametrize(
    "query", ["", "?allImages=false", "?allIterations=true", "?imageIds=", "?imageIds={0}&allImages=1"]
)
def test_deletion_names_images_or_all(call: Call, pets: SimpleNamespace, query: str) -> None:
    answer = call("delete", f"/projects/{pets.project.uid}/images{query.format(pets.images[0].uid)}")

    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequestRequiredParamIsNull")
    assert pets.project.images.count() == 4


def test_pictures_of_deleted_images_are_erased_by_a_job(call: Call, pets: SimpleNamespace) -> None:
    answer = call("delete", f"/projects/{pets.project.uid}/images?allImages=true")

    assert (answer.status_code, answer.content) == (204, b"")
    job = Job.objects.get()
    assert job.kind == "discard"
    assert set(job.arguments["pictures"]) == {image.picture_id for image in pets.images}


def test_images_of_another_project_stay(call: Call, project: Project) -> None:
    other = factories.make_image()

    assert call("delete", f"/projects/{project.uid}/images?imageIds={other.uid}").status_code == 204
    assert Image.objects.filter(pk=other.pk).exists()


def test_deletion_that_comes_twice_is_no_error(call: Call, pets: SimpleNamespace) -> None:
    path = f"/projects/{pets.project.uid}/images?imageIds={pets.images[0].uid}"

    assert [call("delete", path).status_code for _ in range(2)] == [204, 204]
