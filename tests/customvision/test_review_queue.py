"""What programs asked is in the same queue as what people called wrong."""

import json

import pytest

from accounts.models import User
from acts.models import Act
from acts.services import Doer, undo
from catalog.models import Picture
from customvision.models import StoredPrediction
from customvision.services import purge_predictions
from customvision.tasks import queue_for_review
from feedback.models import Misprediction
from feedback.services import review
from feedback.services.bin import erase_mispredictions
from tests.customvision.answers import Call
from tests.customvision.stored import keep, make_answering_project, uid
from training.models import Image, Project

S = Misprediction.State


@pytest.fixture
def project(db: None) -> Project:
    return make_answering_project()


def queued(project: Project) -> Misprediction:
    keep(project, application="shop", hot=0.6, sweet=0.2)
    queue_for_review.call()
    return Misprediction.objects.get()


def shown(call: Call, project: Project) -> list[str]:
    path = f"/projects/{project.uid}/predictions/query"
    answer = call("post", path, data=json.dumps({}), content_type="application/json")
    return [each["id"] for each in answer.json()["results"]]


def correct(row: Misprediction, by: User) -> Act:
    rows = Misprediction.objects.filter(pk=row.pk)
    act = review.correct(rows, tags=[row.project.tags.get(name="sweet")], by=Doer.person(by)).act
    assert act
    return act


def test_stored_prediction_is_queued_once(project: Project) -> None:
    row = queued(project)

    assert queue_for_review.call() == 0
    assert (row.source, row.state, row.tag, float(row.probability)) == ("program", S.OPEN, "hot", 60)
    assert (row.username, row.iteration_name, row.verdict) == ("shop", "Iteration 1", None)
    assert [name for name, _share in row.probabilities] == ["hot", "sweet"]
    assert StoredPrediction.objects.get().misprediction == row


def test_many_are_queued_in_few_statements(project: Project, django_assert_max_num_queries: object) -> None:
    for _ in range(5):
        keep(project)

    with django_assert_max_num_queries(14):  # type: ignore[operator]
        assert queue_for_review.call() == 5


def test_corrected_by_a_reviewer_programs_see_it_no_more_until_that_is_undone(
    call: Call, project: Project, reviewer: User
) -> None:
    row = queued(project)
    assert len(shown(call, project)) == 1

    act = correct(row, reviewer)

    assert shown(call, project) == []
    assert project.images.get().source == Image.Source.CORRECTION
    undo(act=act, by=reviewer)
    assert len(shown(call, project)) == 1
    assert not project.images.exists()


def test_images_from_predictions_are_the_same_act(call: Call, project: Project) -> None:
    stored = keep(project)
    entry = {"id": str(stored.uid), "tagIds": [uid(project, "hot")]}
    path = f"/projects/{project.uid}/images/predictions"

    answer = call("post", path, data=json.dumps({"images": [entry]}), content_type="application/json")

    assert answer.status_code == 200, answer.content
    row = Misprediction.objects.get()
    assert (row.state, [name for _key, name in row.right_tags]) == (S.CORRECTED, ["hot"])
    assert project.images.get().source == Image.Source.CORRECTION
    act = Act.objects.get(verb="correct")
    assert act.actor == Act.Actor.KEY
    assert shown(call, project) == []


def test_image_of_a_prediction_without_a_tag_leaves_the_queue(call: Call, project: Project) -> None:
    queued(project)
    [stored] = StoredPrediction.objects.all()
    path = f"/projects/{project.uid}/images/predictions"

    call("post", path, data=json.dumps({"images": [{"id": str(stored.uid)}]}), content_type="application/json")

    assert project.images.count() == 1
    assert not Misprediction.objects.exists()
    assert not StoredPrediction.objects.exists()


def test_purge_empties_the_queue_but_of_what_was_corrected(project: Project, reviewer: User) -> None:
    corrected = queued(project)
    correct(corrected, reviewer)
    keep(project)
    queue_for_review.call()
    StoredPrediction.objects.update(created_at="2020-01-01T00:00Z")

    assert purge_predictions() == 2

    assert list(Misprediction.objects.all()) == [corrected]
    assert list(Picture.objects.all()) == [corrected.picture]


def test_erased_from_the_bin_it_is_gone_for_programs_too(call: Call, project: Project, reviewer: User) -> None:
    row = queued(project)
    rows = Misprediction.objects.filter(pk=row.pk)
    review.move_to_bin(rows, by=Doer.person(reviewer))
    assert shown(call, project) == []

    assert erase_mispredictions(rows) == 1

    assert not StoredPrediction.objects.exists()
    assert not Picture.objects.exists()
