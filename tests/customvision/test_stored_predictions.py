"""Stored predictions: looked through page by page, deleted, purged."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone

from catalog import reconciliation, storage
from catalog.exceptions import StorageUnavailable
from catalog.models import Picture
from catalog.services import read_picture
from customvision.files import prediction_picture
from customvision.models import StoredPrediction
from customvision.services import purge_predictions
from customvision.tasks import purge_predictions as purge_task
from tests.customvision.answers import Call, refusal
from tests.customvision.stored import keep, make_answering_project, uid
from tests.factories import make_image, make_project
from training.models import Project
from training.services.learning import delete_iteration
from training.services.projects import run_discarding


@pytest.fixture
def project(db: None) -> Project:
    return make_answering_project()


def query(call: Call, project: Project, **token: Any) -> Any:
    path = f"/projects/{project.uid}/predictions/query"
    return call("post", path, data=json.dumps(token), content_type="application/json")


def ids(response: Any) -> list[UUID]:
    assert response.status_code == 200, response.content
    return [UUID(each["id"]) for each in response.json()["results"]]


# Query


def test_sdk_looks_through_stored_predictions(trainer: Any, project: Project) -> None:
    stored = keep(project)

    found = trainer.query_predictions(project.uid, {"max_count": 0, "order_by": "Newest"})

    [result] = found.results
    assert (result.id, result.predictions[0].tag_name) == (str(stored.uid), "hot")
    assert found.token.continuation is None


def test_answer_to_a_query_is_as_recorded(call: Call, project: Project) -> None:
    stored = keep(project)

    answer = query(call, project, maxCount=0, orderBy="Newest").json()

    assert answer["token"] == {
        "session": f"1:{stored.pk}",
        "continuation": None,
        "maxCount": 0,
        "orderBy": "Newest",
        "tags": None,
        "iterationId": None,
        "startTime": None,
        "endTime": None,
        "application": None,
    }
    [result] = answer["results"]
    assert list(result) == [
        "resizedImageUri",
        "thumbnailUri",
        "originalImageUri",
        "domain",
        "id",
        "project",
        "iteration",
        "created",
        "predictions",
    ]
    assert f"/predictionimages/{project.uid}/o-{stored.uid.hex}?" in result["originalImageUri"]
    assert f"/predictionimages/{project.uid}/t-{stored.uid.hex}?" in result["thumbnailUri"]
    assert result["domain"] == "ee85a74c-405e-4adc-bb47-ffa8ca0c9f31"
    assert result["predictions"] == [
        {"probability": 0.9, "tagId": uid(project, "hot"), "tagName": "hot", "tagType": "Regular"},
        {"probability": 0.1, "tagId": uid(project, "sweet"), "tagName": "sweet", "tagType": "Regular"},
    ]


def test_links_open_the_picture_and_its_thumbnail(call: Call, project: Project, client: Client) -> None:
    stored = keep(project)
    [result] = query(call, project).json()["results"]

    whole, small = client.get(result["originalImageUri"]), client.get(result["thumbnailUri"])

    assert whole.content == read_picture(stored.picture)
    assert small["Content-Type"] == "image/jpeg"
    assert client.get(result["thumbnailUri"].replace("/t-", "/o-")).status_code == 403


def test_artifact_of_a_prediction_needs_the_key_of_its_project(call: Call, project: Project) -> None:
    path = f"predictionimages/{project.uid}/o-{keep(project).uid.hex}"

    assert call("get", f"/projects/{project.uid}/artifacts?path=/{path}").status_code == 200
    assert call("get", f"/projects/{make_project().uid}/artifacts?path=/{path}").status_code == 400


def test_path_of_no_prediction_has_no_picture(project: Project) -> None:
    hexadecimal = keep(project).uid.hex

    assert prediction_picture(f"predictionimages/{project.uid}/o-{uuid4().hex}") is None
    assert prediction_picture(f"predictionimages/{make_project().uid}/o-{hexadecimal}") is None
    assert prediction_picture(f"predictionimages/{project.uid}/x-{hexadecimal}") is None


def test_version_3_0_tells_no_types_of_tags(call: Call, project: Project) -> None:
    keep(project)
    path = f"/projects/{project.uid}/predictions/query"

    answer = call("post", path, data="{}", content_type="application/json", version="v3.0").json()

    assert "tagType" not in answer["results"][0]["predictions"][0]


def test_orders_are_by_age_and_by_uncertainty(call: Call, project: Project) -> None:
    sure, unsure, fair = (keep(project, hot=hot, sweet=0).uid for hot in (0.99, 0.5, 0.8))

    assert ids(query(call, project, orderBy="Newest")) == [fair, unsure, sure]
    assert ids(query(call, project, orderBy="Oldest")) == [sure, unsure, fair]
    assert ids(query(call, project, orderBy="Suggested")) == [unsure, fair, sure]


@pytest.mark.parametrize("order", ["Newest", "Oldest", "Suggested"])
def test_pages_show_each_once_although_others_come_and_go(order: str, call: Call, project: Project) -> None:
    kept = [keep(project, hot=hot).uid for hot in (0.6, 0.6, 0.9, 0.7, 0.6)]
    expected = ids(query(call, project, orderBy=order))
    seen: list[UUID] = []
    token: dict[str, Any] = {"orderBy": order, "maxCount": 2}

    for _ in range(3):
        answer = query(call, project, **token)
        seen += ids(answer)
        token = answer.json()["token"]
        keep(project, hot=0.6)
        StoredPrediction.objects.filter(uid=seen[-1]).update(application="changed")

    assert token["continuation"] is None
    assert seen == expected
    assert set(seen) == set(kept)


def test_page_goes_on_after_a_prediction_that_is_deleted_meanwhile(call: Call, project: Project) -> None:
    oldest, _middle, newest = (keep(project).uid for _ in range(3))
    first = query(call, project, maxCount=2)
    StoredPrediction.objects.exclude(uid__in=[oldest, newest]).delete()

    assert ids(query(call, project, **first.json()["token"])) == [oldest]


def test_tags_are_looked_for_within_their_thresholds(call: Call, project: Project) -> None:
    hot = keep(project, hot=0.9, sweet=0.2).uid
    both = keep(project, hot=0.7, sweet=0.8).uid
    keep(project, hot=0.1, sweet=0.1)
    of_hot, of_sweet = uid(project, "hot"), uid(project, "sweet")

    assert ids(query(call, project, tags=[{"id": of_hot, "minThreshold": 0.7}])) == [both, hot]
    assert ids(query(call, project, tags=[{"id": of_hot, "minThreshold": 0.5, "maxThreshold": 0.7}])) == [both]
    two = [{"id": of_hot, "minThreshold": 0.5}, {"id": of_sweet, "minThreshold": 0.5}]
    assert ids(query(call, project, tags=two)) == [both]
    assert ids(query(call, project, tags=[{"id": str(uuid4())}])) == []


def test_predictions_are_found_by_iteration_application_and_time(call: Call, project: Project) -> None:
    now = datetime(2026, 5, 1, 12, tzinfo=UTC)
    early = keep(project, application="scanner", created_at=now - timedelta(hours=1)).uid
    late = keep(project, iteration_uid=(other := uuid4()), created_at=now + timedelta(hours=1)).uid

    assert ids(query(call, project, iterationId=str(other))) == [late]
    assert ids(query(call, project, application="scanner")) == [early]
    assert ids(query(call, project, startTime="2026-05-01T12:00:00Z")) == [late]
    assert ids(query(call, project, endTime="2026-05-01T12:00:00")) == [early]


def test_predictions_of_another_project_are_not_shown(call: Call, project: Project) -> None:
    keep(project)

    assert ids(query(call, make_project())) == []


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ({"orderBy": "Best"}, "BadRequestPredictionInvalidQueryParameters"),
        ({"maxCount": 257}, "BadRequestPredictionInvalidQueryParameters"),
        ({"maxCount": -1}, "BadRequestPredictionInvalidQueryParameters"),
        ({"session": "nonsense"}, "BadRequestPredictionInvalidQueryParameters"),
        ({"session": "2:5"}, "BadRequestPredictionInvalidQueryParameters"),
        ({"session": f"1:{10**30}"}, "BadRequestPredictionInvalidQueryParameters"),
        ({"continuation": "nan:x"}, "BadRequestPredictionInvalidQueryParameters"),
        ({"tags": [{"id": str(UUID(int=n))} for n in range(3)]}, "BadRequestPredictionTagsExceededCount"),
        ({"tags": [{"id": "hot"}]}, "BadRequest"),
        ({"startTime": "yesterday"}, "BadRequest"),
    ],
)
def test_query_that_makes_no_sense_is_refused(token: Any, code: str, call: Call, project: Project) -> None:
    assert refusal(query(call, project, **token)) == (400, code)


# Deletion and purge


def test_sdk_deletes_predictions_with_their_pictures(trainer: Any, project: Project) -> None:
    stored, left = keep(project), keep(project)

    trainer.delete_prediction(project.uid, [stored.uid, uuid4()])

    assert StoredPrediction.objects.get() == left
    assert not storage.has_blob(stored.picture.blob_key)
    assert Picture.objects.get() == left.picture


def test_prediction_of_another_project_is_not_deleted(call: Call, project: Project) -> None:
    stored = keep(project)

    assert call("delete", f"/projects/{make_project().uid}/predictions?ids={stored.uid}").status_code == 204
    assert StoredPrediction.objects.exists()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("", "BadRequestPredictionIdsMissing"),
        (",".join(str(UUID(int=n)) for n in range(65)), "BadRequestPredictionIdsExceededCount"),
        ("x", "BadRequest"),
    ],
)
def test_ids_to_delete_are_1_to_64(given: str, code: str, call: Call, project: Project) -> None:
    assert refusal(call("delete", f"/projects/{project.uid}/predictions?ids={given}")) == (400, code)


def test_purge_erases_what_is_too_old_and_spares_shared_pictures(project: Project) -> None:
    month_ago = timezone.now() - timedelta(days=30, minutes=1)
    old, shared = keep(project, created_at=month_ago), keep(project, created_at=month_ago)
    young = keep(project)
    make_image(project=project, picture=shared.picture)

    assert purge_task.call() == 2

    assert StoredPrediction.objects.get() == young
    assert not Picture.objects.filter(pk=old.picture_id).exists()
    assert storage.has_blob(shared.picture.blob_key)


def test_purge_goes_on_when_the_storage_is_back(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(project, created_at=timezone.now() - timedelta(days=31))
    with monkeypatch.context() as refusing:
        refusing.setattr(storage, "delete_blob", _refuse)
        assert purge_predictions() == 0
    assert StoredPrediction.objects.exists()

    assert purge_predictions() == 1
    assert not Picture.objects.exists()


def _refuse(key: str) -> None:
    raise StorageUnavailable(key)


def test_purge_erases_what_a_project_left_behind(project: Project) -> None:
    stored = keep(project)
    # As one that is stored between the deletion of the others and that of the project.
    project.delete()

    assert purge_predictions() == 1

    assert not StoredPrediction.objects.exists()
    assert not Picture.objects.exists()
    assert not storage.has_blob(stored.picture.blob_key)


def test_deleted_iteration_is_still_named_by_its_predictions(call: Call, project: Project) -> None:
    stored, iteration = keep(project), project.iterations.get()

    delete_iteration(iteration)

    [result] = query(call, project).json()["results"]
    assert (result["id"], result["iteration"]) == (str(stored.uid), str(iteration.uid))


def test_picture_of_a_prediction_outlives_the_image_that_shared_it(project: Project) -> None:
    stored = keep(project)

    erased = run_discarding(_Quiet(), pictures=[stored.picture_id])  # type: ignore[arg-type]

    assert erased == {"erased": 0}
    assert storage.has_blob(stored.picture.blob_key)


class _Quiet:
    def over(self, items: Any, _title: str, *, total: int) -> Any:
        return items


def test_reconciling_blobs_spares_the_pictures_of_predictions(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = keep(project)
    monkeypatch.setattr(reconciliation, "SPARED", timedelta(seconds=-1))

    counts = reconciliation.reconcile_blobs(dry_run=False, report=lambda _line: None)

    assert counts.deleted == 0
    assert storage.has_blob(stored.picture.blob_key)
