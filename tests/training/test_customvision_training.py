"""Training at Azure: the real SDK, over HTTP, against recorded answers."""

import base64
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone, translation
from pytest_django import Settings

from jobs.exceptions import JobStopped
from jobs.progress import Progress
from tests import factories
from tests.classifier.azure import RecordedAnswer, RecordedAzure, error
from tests.training import azure_training as recorded
from tests.training.azure_training import DONE, FILES, ITERATION, ITERATIONS, PROJECT, TAGS, TRAIN
from training.backends.base import ImageStatus, ImageUpload, TrainingBackend, TrainingOptions
from training.backends.customvision import ASKED_AT, CustomVisionBackend
from training.exceptions import (
    AlreadyTraining,
    BackendMisconfigured,
    BackendUnavailable,
    NothingChanged,
    Refused,
    TrainingError,
    TrainingFailed,
)
from training.models import Image, ImageTag, Iteration, Project, Tag

pytestmark = pytest.mark.django_db

BUSY = error(429, "429", "Requests have exceeded rate limit. Please retry after 1 second.")


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sentences are matched, and nothing is waited for."""
    monkeypatch.setattr("training.backends.customvision.BACK_OFF_S", 0.01)
    monkeypatch.setattr("training.backends.customvision.POLL_S", 0.0)
    with translation.override("en"):
        yield


@pytest.fixture
def azure(settings: Settings) -> Iterator[RecordedAzure]:
    server = RecordedAzure()
    settings.CLASSIFR_CUSTOMVISION_TRAINING_ENDPOINT = server.endpoint
    settings.CLASSIFR_CUSTOMVISION_TRAINING_KEY = "a-training-key"
    settings.CLASSIFR_CUSTOMVISION_PREDICTION_RESOURCE_ID = recorded.RESOURCE_ID
    settings.CLASSIFR_CUSTOMVISION_CALLS_PER_SECOND = 10_000.0
    yield server
    server.close()


@pytest.fixture
def backend() -> CustomVisionBackend:
    return CustomVisionBackend()


@pytest.fixture
def project() -> Project:
    return factories.make_project(backend="customvision", remote_id=recorded.PROJECT_ID)


@pytest.fixture
def pizza(project: Project) -> Tag:
    return Tag.objects.create(project=project, name="pizza", remote_id=recorded.TAG_ID)


@pytest.fixture
def risotto(project: Project) -> Tag:
    return Tag.objects.create(project=project, name="risotto", remote_id=recorded.OTHER_TAG_ID)


@pytest.fixture
def iteration(pizza: Tag, risotto: Tag) -> Iteration:
    """One that is about to be trained, on five images of each tag."""
    for number in range(10):
        image = make_image(pizza.project, remote_id=recorded.image_id(number))
        ImageTag.objects.create(image=image, tag=pizza if number % 2 else risotto, is_only=True)
    return make_iteration(pizza.project, status="New")


def make_image(project: Project, **fields: Any) -> Image:
    return Image.objects.create(project=project, picture=factories.make_picture(), **fields)


def make_iteration(project: Project, **fields: Any) -> Iteration:
    number = project.iterations.count() + 1
    values = {"number": number, "name": f"Iteration {number}", "status": "Completed", **fields}
    if "remote_id" in fields:
        values["remote_id"] = UUID(fields["remote_id"])
    return Iteration.objects.create(project=project, **values)


def uploads(*tags: Tag, count: int = 3) -> list[ImageUpload]:
    return [ImageUpload(f"{number}.jpg", factories.make_photo(), tags) for number in range(count)]


def train(iteration: Iteration, **options: Any) -> None:
    CustomVisionBackend().train(iteration, options=TrainingOptions(**options), progress=Progress())


def statuses(azure: RecordedAzure, backend: CustomVisionBackend, project: Project, *tags: Tag) -> list[str]:
    return [each.status for each in backend.upload_images(project, uploads(*tags), by=None)]


def test_backend_keeps_the_contract(backend: CustomVisionBackend) -> None:
    assert isinstance(backend, TrainingBackend)


# Projects and tags


def test_project_gets_the_classification_domain_of_its_name(azure: RecordedAzure, backend: CustomVisionBackend) -> None:
    azure.on("GET", "/domains", RecordedAnswer(200, recorded.DOMAINS))
    azure.on("POST", "/projects", RecordedAnswer(200, recorded.project()))
    project = Project(name="Dishes", domain="Food", type="Multilabel")

    backend.create_project(project)

    assert project.remote_id == UUID(recorded.PROJECT_ID)
    query = azure.sent("POST", "/projects")[0].query
    assert query == {"name": "Dishes", "domainId": recorded.FOOD_ID, "classificationType": "Multilabel"} | query
    assert azure.requests[0].headers["Training-key"] == "a-training-key"


def test_only_domains_of_classification_are_offered(azure: RecordedAzure, backend: CustomVisionBackend) -> None:
    azure.on("GET", "/domains", RecordedAnswer(200, recorded.DOMAINS))

    assert [each.name for each in backend.domains()] == ["General", "Food"]


def test_project_that_is_there_is_adopted(azure: RecordedAzure, backend: CustomVisionBackend) -> None:
    azure.on("GET", "/domains", RecordedAnswer(200, recorded.DOMAINS))
    azure.on("GET", PROJECT, RecordedAnswer(200, recorded.project()))
    project = Project(name="Dishes", remote_id=UUID(recorded.PROJECT_ID))

    backend.create_project(project)

    assert (project.domain, project.type) == ("Food", "Multilabel")
    assert not azure.sent("POST", "/projects")


def test_project_is_not_made_twice_after_an_error(azure: RecordedAzure, backend: CustomVisionBackend) -> None:
    azure.on("GET", "/domains", RecordedAnswer(200, recorded.DOMAINS))
    azure.on("POST", "/projects", error(500, "ErrorUnknown", "Something went wrong"))

    with pytest.raises(BackendUnavailable):
        backend.create_project(Project(name="Dishes"))

    assert len(azure.sent("POST", "/projects")) == 1


def test_tags_get_their_ids(azure: RecordedAzure, backend: CustomVisionBackend, project: Project) -> None:
    azure.on("POST", TAGS, RecordedAnswer(200, recorded.tag(name="other", type="Negative")))
    tag = Tag(project=project, name="other", type="Negative")

    backend.create_tags([tag])

    assert tag.remote_id == UUID(recorded.TAG_ID)
    assert azure.requests[0].query["type"] == "Negative"


def test_tag_that_is_there_is_adopted(azure: RecordedAzure, backend: CustomVisionBackend, project: Project) -> None:
    azure.on("POST", TAGS, error(400, "BadRequestTagNameNotUnique", "Name not unique"))
    azure.on("GET", TAGS, RecordedAnswer(200, [recorded.tag(recorded.OTHER_TAG_ID, "x"), recorded.tag(name="Pizza")]))
    tag = Tag(project=project, name="pizza")

    backend.create_tags([tag])

    assert tag.remote_id == UUID(recorded.TAG_ID)


def test_what_is_gone_at_azure_is_deleted(azure: RecordedAzure, backend: CustomVisionBackend, pizza: Tag) -> None:
    azure.on("DELETE", f"{TAGS}/{recorded.TAG_ID}", error(404, "NotFoundTag", "Invalid tag"))
    azure.on("DELETE", PROJECT, error(404, "NotFoundProject", "Invalid project"))

    backend.delete_tag(pizza)
    backend.delete_project(pizza.project)

    assert len(azure.requests) == 2


# Images


def test_each_picture_gets_its_own_answer_whatever_the_order(
    azure: RecordedAzure, backend: CustomVisionBackend, project: Project, pizza: Tag
) -> None:
    azure.on("POST", FILES, recorded.images_received(image_1="ErrorImageFormat"))

    results = backend.upload_images(project, uploads(pizza), by=None)

    assert [each.name for each in results] == ["0.jpg", "1.jpg", "2.jpg"]
    assert [each.status for each in results] == ["OK", "ErrorImageFormat", "OK"]
    kept = [str(each.image.remote_id) for each in results if each.image]
    assert kept == [recorded.image_id(0), recorded.image_id(2)]
    assert results[1].detail == "Azure Custom Vision does not take it: it cannot read it as a picture."


def test_batch_travels_in_one_request_with_its_tags_and_without_metadata(
    azure: RecordedAzure, backend: CustomVisionBackend, project: Project, pizza: Tag
) -> None:
    azure.on("POST", FILES, recorded.images_received())
    photo = factories.make_photo(comment=b"taken at home")

    backend.upload_images(project, [ImageUpload("a.jpg", photo, (pizza,)), *uploads(pizza)], by=None)

    (request,) = azure.sent("POST", FILES)
    assert {tuple(each["tagIds"]) for each in request.json["images"]} == {(recorded.TAG_ID,)}
    assert b"taken at home" not in base64.b64decode(request.json["images"][0]["contents"])


def test_corrupt_file_does_not_travel(azure: RecordedAzure, backend: CustomVisionBackend, project: Project) -> None:
    azure.on("POST", FILES, recorded.images_received())

    results = backend.upload_images(project, [ImageUpload("a.jpg", b"%PDF-1.7"), *uploads(count=1)], by=None)

    assert [each.status for each in results] == ["ErrorImageFormat", "OK"]
    assert len(azure.requests[0].json["images"]) == 1


def test_batch_that_was_sent_and_not_kept_is_kept_when_it_is_sent_again(
    azure: RecordedAzure, backend: CustomVisionBackend, project: Project, pizza: Tag
) -> None:
    azure.on("POST", FILES, recorded.images_received(image_0="OKDuplicate"))

    (result,) = backend.upload_images(project, uploads(pizza, count=1), by=None)

    assert result.status == ImageStatus.OK_DUPLICATE
    assert project.images.get().remote_id == UUID(recorded.image_id(0))
    assert project.images.get().tags.get() == pizza


def test_two_files_that_azure_holds_for_one_image_are_one_image(
    azure: RecordedAzure, backend: CustomVisionBackend, project: Project
) -> None:
    azure.on("POST", FILES, recorded.images_received(), recorded.images_received(image_0="OKDuplicate"))

    (first,) = backend.upload_images(project, uploads(count=1), by=None)
    (second,) = backend.upload_images(project, uploads(count=1), by=None)

    assert (second.status, second.image) == (ImageStatus.OK_DUPLICATE, first.image)


def test_image_of_one_tag_keeps_it_at_azure_too(
    azure: RecordedAzure, backend: CustomVisionBackend, project: Project, pizza: Tag, risotto: Tag
) -> None:
    azure.on("POST", FILES, recorded.images_received(), recorded.images_received(image_0="OKDuplicate"))
    photo = factories.make_photo()

    backend.upload_images(project, [ImageUpload("a.jpg", photo, (pizza,))], by=None)
    (result,) = backend.upload_images(project, [ImageUpload("a.jpg", photo, (risotto,))], by=None)

    assert azure.requests[1].json["images"][0]["tagIds"] == [recorded.TAG_ID]
    assert "pizza" in result.detail


def test_held_out_picture_stays_here(azure: RecordedAzure, backend: CustomVisionBackend, project: Project) -> None:
    (result,) = backend.upload_images(project, [ImageUpload("a.jpg", factories.make_photo(), held_out=True)], by=None)

    assert result.status == ImageStatus.OK
    assert project.images.get().remote_id is None
    assert not azure.requests


def test_heavy_batch_travels_in_several_requests(
    azure: RecordedAzure, backend: CustomVisionBackend, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.backends.customvision.MOST_UPLOAD_BYTES", 20_000)
    azure.on("POST", FILES, recorded.images_received())
    batch = [ImageUpload("a.bmp", factories.make_photo(format="BMP", size=(60, 60))) for _ in range(3)]

    assert [each.status for each in backend.upload_images(project, batch, by=None)] == ["OK"] * 3
    assert [len(each.json["images"]) for each in azure.requests] == [1, 1, 1]


@pytest.mark.parametrize(("status", "expected"), [("ErrorRegionLimitExceed", "ErrorUnknown"), ("OK", "OK")])
def test_status_that_we_do_not_know_is_an_error(
    azure: RecordedAzure, backend: CustomVisionBackend, project: Project, status: str, expected: str
) -> None:
    azure.on("POST", FILES, recorded.images_received(image_2=status))

    assert statuses(azure, backend, project)[2] == expected


def test_picture_without_an_answer_is_an_error(
    azure: RecordedAzure, backend: CustomVisionBackend, project: Project
) -> None:
    azure.on("POST", FILES, RecordedAnswer(200, {"isBatchSuccessful": True, "images": []}))

    assert statuses(azure, backend, project) == ["ErrorUnknown"] * 3
    assert not project.images.exists()


def test_tag_that_azure_does_not_know_yet_is_made_there(
    azure: RecordedAzure, backend: CustomVisionBackend, project: Project
) -> None:
    azure.on("POST", TAGS, RecordedAnswer(200, recorded.tag()))
    azure.on("POST", FILES, recorded.images_received())
    tag = Tag.objects.create(project=project, name="pizza")

    backend.upload_images(project, uploads(tag, count=1), by=None)

    tag.refresh_from_db()
    assert tag.remote_id == UUID(recorded.TAG_ID)


def test_only_the_tags_that_differ_are_sent(
    azure: RecordedAzure, backend: CustomVisionBackend, iteration: Iteration, pizza: Tag, risotto: Tag
) -> None:
    image = pizza.images.get(remote_id=recorded.image_id(1))
    path = f"{PROJECT}/images/tags"
    azure.on("DELETE", path, DONE)
    azure.on("POST", path, RecordedAnswer(200, {"created": [], "duplicated": [], "exceeded": []}))

    backend.set_tags(image, [risotto])

    assert azure.sent("DELETE", path)[0].query == {"imageIds": recorded.image_id(1), "tagIds": recorded.TAG_ID}
    pair = {"imageId": recorded.image_id(1), "tagId": recorded.OTHER_TAG_ID}
    assert azure.sent("POST", path)[0].json == {"tags": [pair]}


def test_image_that_is_gone_keeps_no_other_at_azure(
    azure: RecordedAzure, backend: CustomVisionBackend, project: Project
) -> None:
    gone = error(404, "NotFoundImage", "Invalid image")
    azure.on("DELETE", f"{PROJECT}/images", gone, gone, DONE)
    rows = [make_image(project, remote_id=recorded.image_id(number)) for number in range(2)]

    backend.delete_images([*rows, make_image(project)])

    ids = [each.query["imageIds"] for each in azure.requests]
    assert ids == [f"{recorded.image_id(0)},{recorded.image_id(1)}", recorded.image_id(0), recorded.image_id(1)]


# Training


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
    monkeypatch.setattr("training.backends.customvision.TRAINING_TIMEOUT_S", 0.2)

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
        CustomVisionBackend().train(iteration, options=TrainingOptions(), progress=Stopping())

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
    azure: RecordedAzure, backend: CustomVisionBackend, project: Project
) -> None:
    azure.on("GET", f"{ITERATION}/performance", RecordedAnswer(200, recorded.performance(precision=1.0)))
    iteration = make_iteration(project, remote_id=recorded.ITERATION_ID)

    performance = backend.performance(iteration, threshold=0.9)

    assert azure.requests[0].query == {"threshold": "0.9"}
    assert (performance.overall.precision, performance.overall.recall) == (1.0, 0.8)
    assert [each.tag for each in performance.per_tag] == ["pizza", "risotto"]


# Publishing


def publishable(azure: RecordedAzure, *, ours: str | None = None, other: str | None = None) -> None:
    """Let Azure have two iterations, published so."""
    there = [
        recorded.completed(publishName=ours),
        recorded.completed(recorded.OTHER_ITERATION_ID, name="Iteration 1", publishName=other),
    ]
    azure.on("GET", ITERATIONS, RecordedAnswer(200, there))
    for path in (ITERATION, f"{ITERATIONS}/{recorded.OTHER_ITERATION_ID}"):
        azure.on("POST", f"{path}/publish", RecordedAnswer(200, True))
        azure.on("DELETE", f"{path}/publish", DONE)


def acts(azure: RecordedAzure) -> list[tuple[str, str]]:
    names = {ITERATION: "ours", f"{ITERATIONS}/{recorded.OTHER_ITERATION_ID}": "other"}
    routes = [request.route for request in azure.requests if request.method != "GET"]
    return [(method, names[path.removesuffix("/publish")]) for method, path in routes]


def test_published_iteration_answers_under_the_name(
    azure: RecordedAzure, backend: CustomVisionBackend, project: Project
) -> None:
    publishable(azure)

    backend.publish(make_iteration(project, remote_id=recorded.ITERATION_ID), name="my model/1")

    query = azure.sent("POST", f"{ITERATION}/publish")[0].query
    assert query == {"publishName": "my model/1", "predictionId": recorded.RESOURCE_ID, "overwrite": "true"}


def test_publishing_replaces_who_holds_the_name(
    azure: RecordedAzure, backend: CustomVisionBackend, project: Project
) -> None:
    publishable(azure, ours="trial", other="live")

    backend.publish(make_iteration(project, remote_id=recorded.ITERATION_ID), name="live")

    assert acts(azure) == [("DELETE", "ours"), ("DELETE", "other"), ("POST", "ours")]


def test_publishing_what_is_published_does_nothing(
    azure: RecordedAzure, backend: CustomVisionBackend, project: Project
) -> None:
    publishable(azure, ours="live")

    backend.publish(make_iteration(project, remote_id=recorded.ITERATION_ID), name="live")

    assert not acts(azure)


def test_former_iteration_answers_again_when_publishing_fails(
    azure: RecordedAzure, backend: CustomVisionBackend, project: Project
) -> None:
    publishable(azure, other="live")
    azure.on("POST", f"{ITERATION}/publish", error(400, "BadRequestInvalidPublishTarget", "Invalid"))

    with pytest.raises(BackendMisconfigured, match="PREDICTION_RESOURCE_ID"):
        backend.publish(make_iteration(project, remote_id=recorded.ITERATION_ID), name="live")

    assert acts(azure)[-1] == ("POST", "other")


def test_publishing_needs_a_resource(
    azure: RecordedAzure, backend: CustomVisionBackend, project: Project, settings: Settings
) -> None:
    settings.CLASSIFR_CUSTOMVISION_PREDICTION_RESOURCE_ID = ""

    with pytest.raises(BackendMisconfigured, match="CLASSIFR_CUSTOMVISION_PREDICTION_RESOURCE_ID"):
        backend.publish(make_iteration(project, remote_id=recorded.ITERATION_ID), name="live")


@pytest.mark.parametrize("answer", [DONE, error(400, "BadRequestIterationNotPublished", "Not published")])
def test_unpublished_is_unpublished(
    azure: RecordedAzure, backend: CustomVisionBackend, project: Project, answer: RecordedAnswer
) -> None:
    azure.on("DELETE", f"{ITERATION}/publish", answer)

    backend.unpublish(make_iteration(project, remote_id=recorded.ITERATION_ID))

    assert acts(azure) == [("DELETE", "ours")]


# Changes made elsewhere


def at_azure(azure: RecordedAzure, *, tags: list[Any], iterations: list[Any]) -> None:
    azure.on("GET", TAGS, RecordedAnswer(200, tags))
    azure.on("GET", ITERATIONS, RecordedAnswer(200, iterations))
    for each in iterations:
        azure.on("GET", f"{ITERATIONS}/{each['id']}/performance", RecordedAnswer(200, recorded.performance()))


def test_tags_become_those_of_azure(
    azure: RecordedAzure, backend: CustomVisionBackend, iteration: Iteration, pizza: Tag
) -> None:
    local = Tag.objects.create(project=iteration.project, name="Sushi")
    new, adopted = "11111111-0000-0000-0000-000000000001", "11111111-0000-0000-0000-000000000002"
    at_azure(
        azure,
        tags=[recorded.tag(name="Pizza pie"), recorded.tag(new, "curry"), recorded.tag(adopted, "sushi")],
        iterations=[],
    )

    sentence = backend.sync(iteration.project)

    assert {tag.name: str(tag.remote_id) for tag in iteration.project.tags.all()} == {
        "Pizza pie": recorded.TAG_ID,
        "curry": new,
        "sushi": adopted,
    }
    assert Tag.objects.get(name="sushi") == local
    assert iteration.project.images.count() == 10
    assert "tags 1 new, 2 changed, 1 deleted" in sentence


def test_tag_may_take_the_name_that_another_gives_up(
    azure: RecordedAzure, backend: CustomVisionBackend, project: Project, pizza: Tag, risotto: Tag
) -> None:
    tags = [recorded.tag(name="risotto"), recorded.tag(recorded.OTHER_TAG_ID, "curry")]
    at_azure(azure, tags=tags, iterations=[])

    backend.sync(project)

    assert [tag.name for tag in project.tags.order_by("pk")] == ["risotto", "curry"]


def test_iterations_become_those_of_azure(azure: RecordedAzure, backend: CustomVisionBackend, project: Project) -> None:
    project.iterations_made = 4
    project.save()
    make_iteration(project, remote_id="11111111-0000-0000-0000-000000000003")
    there = [
        recorded.completed(publishName="live"),
        recorded.iteration(recorded.OTHER_ITERATION_ID, status="Failed"),
        recorded.iteration("11111111-0000-0000-0000-000000000004", status="Staging"),
    ]
    at_azure(azure, tags=[], iterations=there)

    sentence = backend.sync(project)

    assert [(row.number, row.status, row.publish_name) for row in project.iterations.order_by("number")] == [
        (5, "Completed", "live"),
        (6, "Failed", ""),
    ]
    assert project.iterations.get(number=5).metrics["precision"] == 0.9
    assert project.iterations_made == 6
    assert "iterations 2 new, 0 changed, 1 deleted" in sentence


def test_publish_name_that_went_to_another_goes_there_here_too(
    azure: RecordedAzure, backend: CustomVisionBackend, project: Project
) -> None:
    former = make_iteration(project, remote_id=recorded.ITERATION_ID, publish_name="live")
    latter = make_iteration(project, remote_id=recorded.OTHER_ITERATION_ID)
    there = [recorded.completed(), recorded.completed(recorded.OTHER_ITERATION_ID, publishName="live")]
    at_azure(azure, tags=[], iterations=there)

    backend.sync(project)

    former.refresh_from_db()
    latter.refresh_from_db()
    assert (former.publish_name, latter.publish_name) == ("", "live")


def test_live_iteration_and_one_in_training_are_left_alone(
    azure: RecordedAzure, backend: CustomVisionBackend, project: Project
) -> None:
    project.live_iteration = make_iteration(project, remote_id=recorded.ITERATION_ID)
    project.save()
    make_iteration(project, remote_id=recorded.OTHER_ITERATION_ID, status="Training")
    at_azure(azure, tags=[], iterations=[])

    assert backend.sync(project) == "Nothing has changed at Azure Custom Vision."
    assert project.iterations.count() == 2


def test_second_synchronisation_finds_nothing(
    azure: RecordedAzure, backend: CustomVisionBackend, project: Project
) -> None:
    at_azure(azure, tags=[recorded.tag()], iterations=[recorded.completed(publishName="live")])

    backend.sync(project)

    assert backend.sync(project) == "Nothing has changed at Azure Custom Vision."


def test_iteration_that_azure_completed_after_all_is_completed(
    azure: RecordedAzure, backend: CustomVisionBackend, project: Project
) -> None:
    row = make_iteration(project, remote_id=recorded.ITERATION_ID, status="Failed", error="It took too long.")
    at_azure(azure, tags=[], iterations=[recorded.completed()])

    backend.sync(project)

    row.refresh_from_db()
    assert (row.status, row.error, row.metrics["recall"]) == ("Completed", "", 0.8)


# What goes wrong


def test_busy_azure_is_asked_again_when_it_says(azure: RecordedAzure, backend: CustomVisionBackend) -> None:
    later = error(429, "429", "Please retry after 1 second.", retry_after="1")
    azure.on("GET", "/domains", later, RecordedAnswer(200, recorded.DOMAINS))
    started = time.monotonic()

    assert len(backend.domains()) == 2
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize("busy", [BUSY, error(503, "ServiceUnavailable", "Try later")])
def test_azure_that_stays_busy_is_unavailable(
    azure: RecordedAzure, backend: CustomVisionBackend, busy: RecordedAnswer
) -> None:
    azure.on("GET", "/domains", busy)

    with pytest.raises(BackendUnavailable, match="busy"):
        backend.domains()

    assert len(azure.requests) == 6


def test_calls_keep_the_pace(azure: RecordedAzure, backend: CustomVisionBackend, settings: Settings) -> None:
    settings.CLASSIFR_CUSTOMVISION_CALLS_PER_SECOND = 10.0
    azure.on("GET", "/domains", RecordedAnswer(200, recorded.DOMAINS))
    started = time.monotonic()

    for _ in range(4):
        backend.domains()

    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize("name", ["CLASSIFR_CUSTOMVISION_TRAINING_ENDPOINT", "CLASSIFR_CUSTOMVISION_TRAINING_KEY"])
def test_missing_settings_are_named(
    azure: RecordedAzure, backend: CustomVisionBackend, settings: Settings, name: str
) -> None:
    setattr(settings, name, "")

    with pytest.raises(BackendMisconfigured, match=name):
        backend.domains()


def test_wrong_key_is_the_operators_fault_and_in_no_message(azure: RecordedAzure, backend: CustomVisionBackend) -> None:
    azure.on("GET", "/domains", RecordedAnswer(401, {"error": {"code": "401", "message": "Access denied"}}))

    with pytest.raises(BackendMisconfigured, match="CLASSIFR_CUSTOMVISION_TRAINING_KEY") as caught:
        backend.domains()

    assert "a-training-key" not in str(caught.value)


def test_azure_that_cannot_be_reached_is_unavailable(azure: RecordedAzure, backend: CustomVisionBackend) -> None:
    azure.close()

    with pytest.raises(BackendUnavailable, match="cannot be reached"):
        backend.domains()


@pytest.mark.parametrize(
    "answer", [RecordedAnswer(200, {"a": 1}), RecordedAnswer(200), RecordedAnswer(200, [1]), RecordedAnswer(500)]
)
def test_answer_that_cannot_be_read_is_unavailable(
    azure: RecordedAzure, backend: CustomVisionBackend, answer: RecordedAnswer
) -> None:
    azure.on("GET", "/domains", answer)

    with pytest.raises(BackendUnavailable):
        backend.domains()


def test_project_that_is_not_at_azure_is_refused(azure: RecordedAzure, backend: CustomVisionBackend) -> None:
    with pytest.raises(Refused, match="does not know"):
        backend.sync(factories.make_project())
