"""Training at Azure."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from azurecv.training.learning import ASKED_AT
from azurecv.training.trainer import CustomVisionTrainer
from jobs.exceptions import JobStopped
from jobs.models import Job
from jobs.progress import Progress
from jobs.services import do_here
from tests.azurecv import azure_training as recorded
from tests.azurecv.azure import RecordedAnswer, RecordedAzure, error
from tests.azurecv.azure_training import ITERATION, ITERATIONS, TRAIN, make_iteration
from training.backends.base import TrainingOptions
from training.exceptions import (
    AlreadyTraining,
    NothingChanged,
    Refused,
    TrainingError,
    TrainingFailed,
)
from training.models import Image, Iteration, Project, Tag
from training.services.learning import start_training, train_here

pytestmark = pytest.mark.django_db


def train(iteration: Iteration, **options: Any) -> None:
    CustomVisionTrainer().train(iteration, options=TrainingOptions(**options), progress=Progress())


def test_training_is_waited_for_and_measured(azure: RecordedAzure, iteration: Iteration) -> None:
    recorded.train_to_the_end(azure)

    train(iteration)

    iteration.refresh_from_db()
    assert (iteration.status, iteration.name) == ("Completed", "Iteration 2")
    assert iteration.trained_at is not None
    assert iteration.metrics == {
        "precision": 0.9,
        "recall": 0.8,
        "average_precision": 0.95,
        "threshold": 0.5,
        "measured_by": "Azure Custom Vision",
    }
    assert len(azure.sent("GET", ITERATION)) == 2


def test_all_tags_are_trained_on_unless_some_are_chosen(azure: RecordedAzure, iteration: Iteration) -> None:
    recorded.train_to_the_end(azure)

    train(iteration, force=True)

    (request,) = azure.sent("POST", TRAIN)
    assert request.json is None
    assert request.query == {"trainingType": "Regular", "reservedBudgetInHours": "0", "forceTrain": "true"}


def test_chosen_tags_are_in_the_request(azure: RecordedAzure, iteration: Iteration, pizza: Tag, risotto: Tag) -> None:
    recorded.train_to_the_end(azure)
    Tag.objects.create(project=iteration.project, name="a tag of no images")

    train(iteration, tags=("pizza", "risotto"), advanced=True, reserved_hours=3)

    (request,) = azure.sent("POST", TRAIN)
    assert request.json == {"selectedTags": [recorded.TAG_ID, recorded.OTHER_TAG_ID]}
    assert (request.query["trainingType"], request.query["reservedBudgetInHours"]) == ("Advanced", "3")


def test_training_that_is_taken_up_again_is_not_begun_again(azure: RecordedAzure, iteration: Iteration) -> None:
    recorded.train_to_the_end(azure)
    iteration.remote_id = UUID(recorded.ITERATION_ID)
    iteration.save()

    train(iteration)

    assert not azure.sent("POST", TRAIN)
    assert iteration.status == "Completed"


def test_training_whose_beginning_was_not_noted_is_found_again(azure: RecordedAzure, iteration: Iteration) -> None:
    recorded.train_to_the_end(azure)
    azure.on("GET", ITERATIONS, RecordedAnswer(200, [recorded.iteration()]))
    iteration.metrics = {ASKED_AT: timezone.now().isoformat()}
    iteration.save()

    train(iteration)

    assert not azure.sent("POST", TRAIN)
    assert iteration.remote_id == UUID(recorded.ITERATION_ID)


def test_training_that_azure_did_not_hear_of_is_asked_for_again(azure: RecordedAzure, iteration: Iteration) -> None:
    recorded.train_to_the_end(azure)
    azure.on("GET", ITERATIONS, RecordedAnswer(200, [recorded.completed(recorded.OTHER_ITERATION_ID)]))
    iteration.metrics = {ASKED_AT: timezone.now().isoformat()}
    iteration.save()

    train(iteration)

    assert len(azure.sent("POST", TRAIN)) == 1


def test_duration_counts_from_the_question(azure: RecordedAzure, iteration: Iteration) -> None:
    recorded.train_to_the_end(azure)
    end = (timezone.now() + timedelta(seconds=60)).isoformat()
    azure.on("GET", ITERATION, RecordedAnswer(200, recorded.completed(trainedAt=end)))

    train(iteration)

    assert iteration.training_seconds == pytest.approx(60, abs=5)


def test_failed_training_says_why(azure: RecordedAzure, iteration: Iteration) -> None:
    recorded.train_to_the_end(azure)
    failed = recorded.iteration(status="Failed", trainingErrorDetails="Out of quota.")
    azure.on("GET", ITERATION, RecordedAnswer(200, failed))

    with pytest.raises(TrainingFailed, match="Out of quota"):
        train(iteration)


def test_outage_does_not_end_a_training(azure: RecordedAzure, iteration: Iteration) -> None:
    recorded.train_to_the_end(azure)
    nothing = RecordedAnswer(200, {})
    azure.on("GET", ITERATION, nothing, nothing, RecordedAnswer(200, recorded.completed()))

    train(iteration)

    assert iteration.status == "Completed"


def test_training_that_never_ends_fails(
    azure: RecordedAzure, iteration: Iteration, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded.train_to_the_end(azure)
    azure.on("GET", ITERATION, RecordedAnswer(200, recorded.iteration()))
    monkeypatch.setattr("azurecv.training.learning.TRAINING_TIMEOUT_S", 0.2)

    with pytest.raises(TrainingFailed, match="still training"):
        train(iteration)


def test_iteration_that_was_deleted_in_training_fails(azure: RecordedAzure, iteration: Iteration) -> None:
    recorded.train_to_the_end(azure)
    azure.on("GET", ITERATION, error(404, "NotFoundIteration", "Invalid iteration"))

    with pytest.raises(TrainingFailed, match="deleted"):
        train(iteration)


def test_job_that_is_to_stop_stops_and_keeps_what_was_begun(azure: RecordedAzure, iteration: Iteration) -> None:
    recorded.train_to_the_end(azure)

    class Stopping(Progress):
        def check(self) -> None:
            if azure.sent("GET", ITERATION):
                raise JobStopped

    with pytest.raises(JobStopped):
        CustomVisionTrainer().train(iteration, options=TrainingOptions(), progress=Stopping())

    iteration.refresh_from_db()
    assert iteration.remote_id == UUID(recorded.ITERATION_ID)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("BadRequestTrainingNotNeeded", NothingChanged),
        ("BadRequestTrainingAlreadyInProgress", AlreadyTraining),
        ("BadRequestMultiClassClassificationTrainingValidationFailed", Refused),
    ],
)
def test_refused_training_says_what_to_do(
    azure: RecordedAzure, iteration: Iteration, code: str, expected: type[TrainingError]
) -> None:
    azure.on("POST", TRAIN, error(400, code, "Nothing changed since last training"))

    with pytest.raises(expected) as caught:
        train(iteration)

    assert type(caught.value) is expected
    assert iteration.remote_id is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("code", "said", "why"),
    [
        ("BadRequestImagesQuota", "The quota of images is used up", "quota of images is used up"),
        ("BadRequestTrainingNotNeeded", "Nothing changed since last training", "Nothing has changed since"),
        (
            "BadRequestMultiClassClassificationTrainingValidationFailed",
            "Not enough images for training",
            "Not enough images for training",
        ),
    ],
)
def test_training_that_azure_refuses_leaves_no_iteration(
    azure: RecordedAzure, iteration: Iteration, code: str, said: str, why: str
) -> None:
    trainable = iteration.project
    iteration.delete()
    azure.on("POST", TRAIN, error(400, code, said))

    with pytest.raises(TrainingFailed, match=why):
        train_here(project=trainable, options=TrainingOptions(), by=None, watch=None)
    start_training(project=trainable, options=TrainingOptions(), by=None)
    do_here(Job.objects.latest("pk"))

    assert not Iteration.objects.exists()
    assert {job.state for job in Job.objects.filter(kind="train")} == {Job.State.FAILED}
    assert why in Job.objects.latest("pk").error


def test_too_few_images_are_told_before_azure_is_asked(azure: RecordedAzure, iteration: Iteration, pizza: Tag) -> None:
    Image.objects.get(remote_id=recorded.image_id(1)).delete()

    with pytest.raises(Refused, match=r"pizza \(4\)"):
        train(iteration)

    assert not azure.requests


@pytest.mark.parametrize("tags", [("pizza",), ("pizza", "sushi")])
def test_tags_that_cannot_be_trained_on_are_refused(
    azure: RecordedAzure, iteration: Iteration, tags: tuple[str, ...]
) -> None:
    with pytest.raises(Refused):
        train(iteration, tags=tags)

    assert not azure.requests


def test_performance_is_asked_for_at_the_threshold(
    azure: RecordedAzure, trainer: CustomVisionTrainer, project: Project
) -> None:
    azure.on("GET", f"{ITERATION}/performance", RecordedAnswer(200, recorded.performance(precision=1.0)))
    iteration = make_iteration(project, remote_id=recorded.ITERATION_ID)

    performance = trainer.performance(iteration, threshold=0.9)

    assert azure.requests[0].query == {"threshold": "0.9"}
    assert (performance.overall.precision, performance.overall.recall) == (1.0, 0.8)
    assert [each.tag for each in performance.per_tag] == ["pizza", "risotto"]
