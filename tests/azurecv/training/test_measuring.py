"""What is held out here is measured by quick test, so that iterations at Azure compare with each other."""

from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import User
from azurecv.training.mirror import CustomVisionMirror
from azurecv.training.trainer import CustomVisionTrainer
from catalog import storage
from engine.splitting import Part
from jobs.exceptions import JobStopped
from jobs.progress import Progress
from tests import factories
from tests.azurecv import azure_training as recorded
from tests.azurecv.azure import RecordedAnswer, RecordedAzure, RecordedRequest, error
from tests.azurecv.azure_training import QUICK_TEST
from training import comparison, evaluation, snapshots
from training.backends.base import TrainingOptions
from training.models import Image, Iteration, Tag
from training.services.publishing import publish

pytestmark = pytest.mark.django_db
Hold = Callable[[int], list[Image]]


@pytest.fixture
def hold(iteration: Iteration, pizza: Tag, risotto: Tag) -> Hold:
    """Hold out so many images, of pizza and risotto in turn."""

    def make(count: int) -> list[Image]:
        tags = [[pizza], [risotto]]
        return [
            factories.make_image(project=iteration.project, part=Part.HELD_OUT, tags=tags[number % 2], size=(32, 24))
            for number in range(count)
        ]

    return make


def train(iteration: Iteration, progress: Progress | None = None) -> None:
    CustomVisionTrainer().train(iteration, options=TrainingOptions(), progress=progress or Progress())
    iteration.refresh_from_db()


def answers_well(held_out: list[Image], *, but: int = 0) -> Callable[[RecordedRequest], RecordedAnswer]:
    """Say of each picture what it is, but of the first so many the other."""
    contents = [storage.read_blob(image.picture.blob_key) for image in held_out]

    def answer(request: RecordedRequest) -> RecordedAnswer:
        place = next(place for place, content in enumerate(contents) if content in request.body)
        names = ("pizza", "risotto") if (place % 2 == 0) != (place < but) else ("risotto", "pizza")
        return recorded.says(**{names[0]: 0.9, names[1]: 0.1})

    return answer


def test_figures_are_from_the_held_out_images(azure: RecordedAzure, iteration: Iteration, hold: Hold) -> None:
    recorded.train_to_the_end(azure)
    azure.on("POST", QUICK_TEST, answers_well(hold(4), but=1))

    train(iteration)

    asked = azure.sent("POST", QUICK_TEST)
    snapshot = snapshots.read(iteration.snapshot_key)
    assert [each.query for each in asked] == 4 * [{"iterationId": recorded.ITERATION_ID, "store": "false"}]
    assert (iteration.status, iteration.metrics["top_1"], iteration.metrics["measured"]) == ("Completed", 0.75, 4)
    assert (snapshot.learned.sum(), snapshot.measured.sum()) == (10, 4)
    assert not (snapshot.learned & snapshot.measured).any()


def test_threshold_needs_no_more_calls(
    azure: RecordedAzure, iteration: Iteration, hold: Hold, signed_in: Callable[[User], Client]
) -> None:
    recorded.train_to_the_end(azure)
    azure.on("POST", QUICK_TEST, answers_well(hold(4)))
    train(iteration)
    before = len(azure.requests)

    measured = evaluation.performance_of(iteration, threshold=0.95)
    page = signed_in(factories.make_developer()).get(reverse("training:iteration", args=[iteration.project_id, 1]))

    assert measured
    assert measured.overall.recall == 0
    assert not page.context["notices"]["measures_itself"]
    assert len(azure.requests) == before


def test_iterations_at_azure_are_compared_and_published_if_no_worse(
    azure: RecordedAzure, iteration: Iteration, hold: Hold, capsys: pytest.CaptureFixture[str]
) -> None:
    held_out = hold(40)
    measured_there = RecordedAnswer(200, recorded.performance())
    recorded.train_to_the_end(azure)
    azure.on("POST", QUICK_TEST, answers_well(held_out, but=30))
    train(iteration)
    azure.on("GET", recorded.ITERATIONS, RecordedAnswer(200, [recorded.completed()]))
    azure.on("POST", f"{recorded.ITERATION}/publish", RecordedAnswer(200, True))
    publish(iteration=iteration, by=None)
    newer = recorded.make_iteration(iteration.project, status="New")
    other = recorded.completed(recorded.OTHER_ITERATION_ID, name="Iteration 3")
    azure.on("POST", recorded.TRAIN, RecordedAnswer(200, other))
    azure.on("GET", f"{recorded.ITERATIONS}/{recorded.OTHER_ITERATION_ID}", RecordedAnswer(200, other))
    azure.on("GET", f"{recorded.ITERATIONS}/{recorded.OTHER_ITERATION_ID}/performance", measured_there)
    azure.on("POST", QUICK_TEST, answers_well(held_out))
    train(newer)

    told = comparison.compare(newer, iteration)
    azure.on("GET", recorded.ITERATIONS, RecordedAnswer(200, [recorded.completed(), other]))
    call_command("publish", project=iteration.project.name, if_better=True, dry_run=True)

    assert (told.pictures, told.old_right, told.new_right, told.by_folds) == (40, 10, 40, False)
    assert "On 40 held-out images" in capsys.readouterr().out


def test_image_that_is_deleted_meanwhile_is_left_out(azure: RecordedAzure, iteration: Iteration, hold: Hold) -> None:
    held_out = sorted(hold(4), key=lambda image: image.picture.sha256)
    well = answers_well(sorted(held_out, key=lambda image: image.pk))

    def lose_the_last(request: RecordedRequest) -> RecordedAnswer:
        storage.delete_blob(held_out[-1].picture.blob_key)
        return well(request)

    recorded.train_to_the_end(azure)
    azure.on("POST", QUICK_TEST, lose_the_last)

    train(iteration)

    assert (iteration.status, iteration.metrics["measured"]) == ("Completed", 3)


def test_images_of_which_none_can_be_read_are_told(azure: RecordedAzure, iteration: Iteration, hold: Hold) -> None:
    for image in hold(4):
        storage.delete_blob(image.picture.blob_key)
    recorded.train_to_the_end(azure)

    train(iteration)

    assert iteration.metrics["not_measured"] == "None of the held-out pictures can be read."


def test_image_that_azure_does_not_take_is_left_out(azure: RecordedAzure, iteration: Iteration, hold: Hold) -> None:
    well = answers_well(hold(4))
    recorded.train_to_the_end(azure)
    azure.on("POST", QUICK_TEST, error(400, "BadRequestImageFormat", "Bad image"), well)

    train(iteration)

    assert (iteration.metrics["measured"], iteration.metrics["top_1"]) == (3, 1.0)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (error(503, "ServiceUnavailable", "Try later"), "busy (status 503)"),
        (error(429, "429", "Rate limit is exceeded.", retry_after="1800"), "asks to wait for 30 minutes"),
        (RecordedAnswer(401, {"error": {"code": "401", "message": "Access denied"}}), "does not accept"),
        (recorded.OUT_OF_QUOTA, "is used up"),
        (error(404, "NotFoundIteration", "Invalid iteration"), "refuses: Invalid iteration"),
        (RecordedAnswer(200, {"a": 1}), "cannot be read"),
    ],
)
def test_iteration_that_cannot_be_asked_keeps_azures_figures_and_says_why(
    azure: RecordedAzure,
    iteration: Iteration,
    hold: Hold,
    signed_in: Callable[[User], Client],
    answer: RecordedAnswer,
    why: str,
) -> None:
    hold(4)
    recorded.train_to_the_end(azure)
    azure.on("POST", QUICK_TEST, answer)

    train(iteration)

    page = signed_in(factories.make_developer(language="en")).get(
        reverse("training:iteration", args=[iteration.project_id, 1])
    )
    assert (iteration.status, iteration.snapshot_key, iteration.metrics["precision"]) == ("Completed", "", 0.9)
    assert why in iteration.metrics["not_measured"]
    assert "The held-out images were not measured" in page.content.decode()


def test_synchronisation_measures_what_could_not_be(
    azure: RecordedAzure, mirror: CustomVisionMirror, iteration: Iteration, hold: Hold
) -> None:
    well = answers_well(hold(4))
    recorded.train_to_the_end(azure)
    azure.on("POST", QUICK_TEST, recorded.OUT_OF_QUOTA)
    train(iteration)
    tags = [recorded.tag(), recorded.tag(recorded.OTHER_TAG_ID, "risotto")]
    recorded.at_azure(azure, tags=tags, iterations=[recorded.completed()])
    azure.on("POST", QUICK_TEST, well)

    mirror.sync(iteration.project)

    iteration.refresh_from_db()
    assert (iteration.metrics["measured"], iteration.metrics["top_1"]) == (4, 1.0)
    assert "not_measured" not in iteration.metrics


def test_job_that_is_to_stop_stops_measuring(azure: RecordedAzure, iteration: Iteration, hold: Hold) -> None:
    recorded.train_to_the_end(azure)
    azure.on("POST", QUICK_TEST, answers_well(hold(4)))

    class Stopping(Progress):
        def check(self) -> None:
            if azure.sent("POST", QUICK_TEST):
                raise JobStopped

    with pytest.raises(JobStopped):
        train(iteration, Stopping())

    assert len(azure.sent("POST", QUICK_TEST)) == 1
