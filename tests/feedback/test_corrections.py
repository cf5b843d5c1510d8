"""Wrong predictions become images to learn from, are set aside, and every gesture is taken back whole."""

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from accounts.models import User
from acts.exceptions import Changed, NotUndone
from acts.models import Act, ActObject
from acts.services import Doer, last_undone, undo
from catalog.models import Picture
from catalog.services import store_vector
from classifier.models import PendingPhoto
from engine.splitting import Part
from feedback.models import Misprediction, MispredictionQuerySet, Verdict
from feedback.services import erasure, review, verdicts
from feedback.services.bin import erase_mispredictions
from feedback.services.review import Outcome
from tests import factories
from tests.training.publishable import make_iteration
from training import snapshots
from training.exceptions import Refused
from training.models import Image, Iteration, Project, Tag
from training.services.tagging import Pair, tag_images
from training.snapshots import Snapshot

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

S = Misprediction.State


@pytest.fixture
def project() -> Project:
    project = factories.make_project()
    Tag.objects.bulk_create(Tag(project=project, name=name) for name in ("pizza", "risotto", "soup"))
    return project


@pytest.fixture
def wrong(project: Project) -> list[Misprediction]:
    return [factories.make_misprediction(project=project) for _ in range(3)]


def tag(project: Project, name: str = "pizza") -> Tag:
    return project.tags.get(name=name)


def rows(*wrong: Misprediction) -> MispredictionQuerySet:
    return Misprediction.objects.filter(pk__in=[row.pk for row in wrong])


def correct(project: Project, *wrong: Misprediction, by: User, name: str = "pizza") -> Outcome:
    return review.correct(rows(*wrong), tags=[tag(project, name)], by=Doer.person(by))


def trained_on(project: Project, row: Misprediction) -> Iteration:
    snapshot = Snapshot(
        tags=("pizza",),
        tag_ids=(tag(project).pk,),
        sha256s=(row.picture.sha256,),
        truths=np.ones((1, 1), dtype=np.bool_),
        learned=np.ones(1, dtype=np.bool_),
        measured=np.zeros(1, dtype=np.bool_),
        probabilities=np.zeros((0, 1)),
        multilabel=False,
    )
    return make_iteration(project, snapshot_key=snapshots.write(snapshot), trained_at=timezone.now())


def tags_of(image: Image) -> list[str]:
    return sorted(image.tags.values_list("name", flat=True))


def test_correction_is_an_image_to_learn_from(project: Project, wrong: list[Misprediction], reviewer: User) -> None:
    outcome = correct(project, *wrong, by=reviewer)

    assert (outcome.changed, outcome.overtaken) == ([row.pk for row in wrong], [])
    images = list(project.images.order_by("pk"))
    assert {image.picture_id for image in images} == {row.picture_id for row in wrong}
    assert {(image.source, image.part, image.created_by_id) for image in images} == {
        (Image.Source.CORRECTION, Part.UNDECIDED.value, reviewer.pk)
    }
    assert [tags_of(image) for image in images] == [["pizza"]] * 3
    for row in rows(*wrong):
        assert (row.state, row.reviewer, row.reviewed_by) == (S.CORRECTED, reviewer.username, reviewer)
        assert row.right_tags == [[tag(project).pk, "pizza"]]


def test_one_gesture_is_one_act_and_taken_back_whole(
    project: Project, wrong: list[Misprediction], reviewer: User
) -> None:
    act = correct(project, *wrong, by=reviewer).act
    assert act
    assert Act.objects.get() == act
    assert ActObject.objects.count() == 3

    undo(act=act, by=reviewer)

    assert not project.images.exists()
    assert all((row.state, row.right_tags, row.reviewed_at) == (S.OPEN, [], None) for row in rows(*wrong))
    assert Picture.objects.filter(pk__in=[row.picture_id for row in wrong]).count() == 3
    again = last_undone(reviewer)
    assert again
    undo(act=again, by=reviewer)
    assert project.images.count() == 3
    assert all(row.state == S.CORRECTED for row in rows(*wrong))


def test_picture_that_is_an_image_gets_the_tag_and_its_own_back(
    project: Project, wrong: list[Misprediction], reviewer: User
) -> None:
    image = factories.make_image(project=project, picture=wrong[0].picture)
    tag_images(project, [Pair(image, tag(project, "soup"))])

    act = correct(project, wrong[0], by=reviewer).act

    assert tags_of(image) == ["pizza"]
    assert act
    undo(act=act, by=reviewer)
    assert tags_of(image) == ["soup"]
    assert project.images.get().source == Image.Source.UPLOAD


def test_vector_that_is_there_is_learned_from(project: Project, wrong: list[Misprediction], reviewer: User) -> None:
    vector = store_vector(picture=wrong[0].picture, backbone="some", value=np.ones(4, dtype=np.float32))

    correct(project, wrong[0], by=reviewer)

    assert project.images.get().picture.vectors.get() == vector


def test_second_reviewer_is_told_what_the_first_did(
    project: Project, wrong: list[Misprediction], reviewer: User
) -> None:
    second = factories.make_reviewer()
    correct(project, *wrong[:2], by=reviewer)

    outcome = review.dismiss(rows(*wrong), dismissal="right", by=Doer.person(second))

    assert outcome.changed == [wrong[2].pk]
    assert [(row.pk, row.reviewer) for row in outcome.overtaken] == [(row.pk, reviewer.username) for row in wrong[:2]]
    assert [row.state for row in rows(*wrong[:2])] == [S.CORRECTED] * 2


def test_undo_does_not_overwrite_what_another_did_later(
    project: Project, wrong: list[Misprediction], reviewer: User
) -> None:
    second = factories.make_reviewer()
    act = correct(project, wrong[0], by=reviewer).act
    assert act
    review.correct(rows(wrong[0]), tags=[tag(project, "soup")], by=Doer.person(second), seen=S.CORRECTED)

    with pytest.raises(Changed, match=second.username):
        undo(act=act, by=reviewer)

    assert tags_of(project.images.get()) == ["soup"]


def test_undo_does_not_overwrite_a_label_that_a_developer_changed(
    project: Project, wrong: list[Misprediction], reviewer: User
) -> None:
    act = correct(project, wrong[0], by=reviewer).act
    assert act
    tag_images(project, [Pair(project.images.get(), tag(project, "soup"))], replace=True)

    with pytest.raises(Changed):
        undo(act=act, by=reviewer)

    assert tags_of(project.images.get()) == ["soup"]
    assert rows(wrong[0]).get().state == S.CORRECTED


def test_corrected_again_it_has_the_new_tag_alone(project: Project, wrong: list[Misprediction], reviewer: User) -> None:
    correct(project, wrong[0], by=reviewer)

    act = review.correct(rows(wrong[0]), tags=[tag(project, "soup")], by=Doer.person(reviewer), seen=S.CORRECTED).act

    assert tags_of(project.images.get()) == ["soup"]
    assert act
    undo(act=act, by=reviewer)
    assert tags_of(project.images.get()) == ["pizza"]


def test_same_photo_of_two_senders_stays_learned_while_one_correction_stands(project: Project, reviewer: User) -> None:
    picture = factories.make_picture()
    both = [factories.make_misprediction(project=project, picture=picture) for _ in range(2)]
    acts = [correct(project, row, by=reviewer).act for row in both]
    assert acts[0]
    assert acts[1]

    undo(act=acts[1], by=reviewer)
    assert tags_of(project.images.get()) == ["pizza"]

    undo(act=acts[0], by=reviewer)
    assert not project.images.exists()


def test_set_aside_and_reopened(project: Project, wrong: list[Misprediction], reviewer: User) -> None:
    by = Doer.person(reviewer)
    review.dismiss(rows(*wrong), dismissal="unknown", by=by)
    assert [(row.state, row.dismissal) for row in rows(*wrong)] == [(S.DISMISSED, "unknown")] * 3

    review.reopen(rows(*wrong), by=by, seen=S.DISMISSED)

    assert [(row.state, row.dismissal) for row in rows(*wrong)] == [(S.OPEN, "")] * 3
    assert not project.images.exists()


def test_bin_is_an_act_and_keeps_the_state(project: Project, wrong: list[Misprediction], reviewer: User) -> None:
    correct(project, wrong[0], by=reviewer)

    act = review.move_to_bin(rows(*wrong), by=Doer.person(reviewer)).act

    assert not Misprediction.objects.in_review().exists()
    assert project.images.count() == 1
    assert act
    undo(act=act, by=reviewer)
    assert [row.state for row in rows(*wrong).order_by("pk")] == [S.CORRECTED, S.OPEN, S.OPEN]


def test_tag_that_was_deleted_cannot_come_back(project: Project, wrong: list[Misprediction], reviewer: User) -> None:
    act = correct(project, wrong[0], by=reviewer).act
    assert act
    undo(act=act, by=reviewer)
    tag(project).delete()
    again = last_undone(reviewer)
    assert again

    with pytest.raises(NotUndone):
        undo(act=again, by=reviewer)


def test_two_tags_are_refused_where_an_image_has_one(
    project: Project, wrong: list[Misprediction], reviewer: User
) -> None:
    with pytest.raises(Refused):
        review.correct(rows(*wrong), tags=[tag(project), tag(project, "soup")], by=Doer.person(reviewer))

    assert not project.images.exists()
    assert not Act.objects.exists()


def test_erased_by_its_sender_it_teaches_no_more(project: Project, wrong: list[Misprediction], reviewer: User) -> None:
    act = correct(project, *wrong[:2], by=reviewer).act
    prediction = wrong[0].prediction
    sha256 = wrong[0].picture.sha256

    erasure.erase_predictions([prediction])

    assert [image.picture for image in project.images.all()] == [wrong[1].picture]
    assert not Picture.objects.filter(sha256=sha256).exists()
    assert ActObject.objects.get(object_id=str(wrong[0].pk)).after == {"erased": True}
    assert act
    undo(act=act, by=reviewer)
    assert not project.images.exists()


def test_act_on_what_is_erased_alone_is_final(wrong: list[Misprediction], reviewer: User) -> None:
    act = review.move_to_bin(rows(wrong[0]), by=Doer.person(reviewer)).act
    erase_mispredictions(rows(wrong[0]))

    assert act
    with pytest.raises(NotUndone, match="erased"):
        undo(act=act, by=reviewer)


def test_erasure_marks_the_iterations_that_used_it(
    project: Project, wrong: list[Misprediction], reviewer: User
) -> None:
    before = trained_on(project, wrong[1])
    correct(project, wrong[0], by=reviewer)
    after = trained_on(project, wrong[0])

    erasure.erase_predictions([wrong[0].prediction])

    before.refresh_from_db()
    after.refresh_from_db()
    assert (before.erased_pictures, after.erased_pictures) == (0, 1)


def test_nok_that_is_withdrawn_takes_its_correction_along(
    project: Project, wrong: list[Misprediction], reviewer: User
) -> None:
    correct(project, wrong[0], by=reviewer)
    verdict = wrong[0].verdict
    assert verdict
    assert verdict.user

    verdicts.withdraw_verdict(prediction=verdict.prediction, by=verdict.user)

    assert not project.images.exists()
    assert not Verdict.objects.filter(pk=verdict.pk).exists()


@pytest.mark.parametrize("value", ["OK", "NOK"])
def test_verdict_is_an_act(value: str, person: User) -> None:
    prediction = factories.make_prediction(user=person)
    expires_at = timezone.now() + timedelta(hours=1)
    PendingPhoto.objects.create(prediction=prediction, content=factories.make_photo(), expires_at=expires_at)
    verdicts.give_verdict(prediction=prediction, value=Verdict.Value(value), by=person)
    act = Act.objects.get()
    assert (act.verb, act.user) == ("verdict", person)

    undo(act=act, by=person)

    assert not Verdict.objects.exists()
    assert not Misprediction.objects.exists()


def test_nothing_chosen_changes_nothing(project: Project, reviewer: User) -> None:
    outcome = review.correct(Misprediction.objects.none(), tags=[tag(project)], by=Doer.person(reviewer))

    assert outcome == Outcome(None, [], [])
