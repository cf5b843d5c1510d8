"""A picture in, the probability of each tag out: by the SDK, and by every other way in which programs send one."""

import io
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from azure.cognitiveservices.vision.customvision.prediction import models as prediction
from azure.cognitiveservices.vision.customvision.training import models as training
from django.test import Client
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from classifier.backends import get_backend
from customvision.models import StoredPrediction
from customvision.views import predicting, quick_tests
from engine import images
from tests.azurecv.azure import PROJECT_ID, RECORDED, RecordedAnswer, RecordedAzure
from tests.crafted import one_colour
from tests.customvision.answers import Call, code_of, refusal
from tests.factories import admit, make_photo, make_project
from tests.hostile import padded
from training.labels import Label, dump_labels
from training.models import Project
from training.services.projects import archive_project

UNKNOWN = "00000000-0000-4000-8000-000000000000"
URL = "https://pictures.example/a.jpg"


@pytest.fixture
def ask(client: Client, api_key: str) -> Call:
    """Post to an operation of the prediction half: `ask(project, "classify", "live/image", content)`."""

    def send(project: Any, kind: str, rest: str, content: Any = b"", *, version: str = "v3.1", **options: Any) -> Any:
        uid = project.uid if isinstance(project, Project) else project
        address = f"/customvision/{version}/prediction/{uid}/{kind}/iterations/{rest}"
        options.setdefault("content_type", "application/octet-stream")
        options.setdefault("headers", {"Prediction-key": api_key})
        return client.post(address, content, **options)

    return send


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What is at which address."""
    known: dict[str, bytes] = {}

    def fetch(url: str, *, max_bytes: int) -> bytes:
        assert len(known[url]) <= max_bytes
        return known[url]

    for views in (predicting, quick_tests):
        monkeypatch.setattr(views, "fetch_picture", fetch)
    return known


def sdk_refusal(call: Callable[[], Any]) -> str:
    """Return the code with which the service refuses that, as the SDK tells it."""
    with pytest.raises((prediction.CustomVisionErrorException, training.CustomVisionErrorException)) as caught:
        call()
    return code_of(caught.value)


# By the SDK, over HTTP


def test_sdk_classifies_a_picture_and_it_is_stored(predictor: Any, food_project: Project) -> None:
    photo = make_photo()

    answer = predictor.classify_image(food_project.uid, "live", photo, application="scanner")

    stored = StoredPrediction.objects.get()
    assert str(stored.uid) == answer.id
    assert (stored.application, stored.iteration_uid) == ("scanner", food_project.iterations.get().uid)
    assert [each.probability for each in answer.predictions] == sorted(
        (each.probability for each in answer.predictions), reverse=True
    )


def test_sdk_classifies_a_picture_that_is_not_stored(predictor: Any, food_project: Project) -> None:
    answer = predictor.classify_image_with_no_store(food_project.uid, "live", io.BytesIO(make_photo()))

    assert len(answer.predictions) == 101
    assert not StoredPrediction.objects.exists()


def test_sdk_classifies_the_picture_at_an_address(predictor: Any, food_project: Project, web: dict[str, bytes]) -> None:
    web[URL] = make_photo()

    kept = predictor.classify_image_url(food_project.uid, "live", URL)
    told = predictor.classify_image_url_with_no_store(food_project.uid, "live", URL)

    assert [each.tag_name for each in kept.predictions] == [each.tag_name for each in told.predictions]
    assert [str(each.uid) for each in StoredPrediction.objects.all()] == [kept.id]


def test_sdk_fetches_nothing_from_a_machine_that_is_not_public(
    predictor: Any, food_project: Project, live_server: LiveServer
) -> None:
    told = sdk_refusal(lambda: predictor.classify_image_url(food_project.uid, "live", live_server.url))

    assert told == "BadRequestImageUrl"


def test_sdk_is_told_that_objects_are_not_detected(predictor: Any, food_project: Project) -> None:
    photo, uid = make_photo(), food_project.uid
    calls: list[Callable[[], Any]] = [
        lambda: predictor.detect_image(uid, "live", photo),
        lambda: predictor.detect_image_with_no_store(uid, "live", photo),
        lambda: predictor.detect_image_url(uid, "live", URL),
        lambda: predictor.detect_image_url_with_no_store(uid, "live", URL),
    ]

    assert {sdk_refusal(call) for call in calls} == {"BadRequestNotSupported"}


def test_sdk_is_told_that_there_are_no_regions(trainer: Any, food_project: Project) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: trainer.create_image_regions(food_project.uid, []),
        lambda: trainer.delete_image_regions(food_project.uid, [UNKNOWN]),
        lambda: trainer.get_image_region_proposals(food_project.uid, UNKNOWN),
    ]

    assert {sdk_refusal(call) for call in calls} == {"BadRequestNotSupported"}


# Shapes


def test_answer_is_as_recorded(ask: Call, food_project: Project) -> None:
    response = ask(food_project, "classify", "live/image", make_photo())

    answer = response.json()
    assert list(answer) == ["id", "project", "iteration", "created", "predictions"]
    assert list(answer["predictions"][0]) == ["probability", "tagId", "tagName", "tagType"]
    assert response["apim-request-id"] == answer["id"]
    assert UUID(answer["project"]) == food_project.uid


@pytest.mark.parametrize("rest", ["live/image", "live/image/nostore"])
def test_version_3_0_tells_no_types_of_tags(rest: str, ask: Call, food_project: Project) -> None:
    answer = ask(food_project, "classify", rest, make_photo(), version="v3.0").json()

    assert list(answer["predictions"][0]) == ["probability", "tagId", "tagName"]


@pytest.mark.parametrize("rest", ["live/image", "live/image/nostore"])
@pytest.mark.parametrize("has_name", [True, False])
def test_form_with_and_without_a_file_name_is_read(rest: str, has_name: bool, ask: Call, food_project: Project) -> None:
    name = '; filename="a.jpg"' if has_name else ""
    head = f'--b\r\nContent-Disposition: form-data; name="imageData"{name}\r\n\r\n'
    body = head.encode() + make_photo() + b"\r\n--b--\r\n"

    response = ask(food_project, "classify", rest, body, content_type="multipart/form-data; boundary=b")

    assert response.status_code == 200


def test_publish_name_may_have_spaces_and_keeps_its_case(ask: Call, food_project: Project) -> None:
    food_project.iterations.update(publish_name="My Model/1")

    assert ask(food_project, "classify", "My%20Model%2F1/image", make_photo()).status_code == 200
    assert refusal(ask(food_project, "classify", "my%20model%2F1/image", b"")) == (404, "NotFoundIteration")


# What is refused, and in which order


def test_key_is_looked_at_first(ask: Call) -> None:
    response = ask(UNKNOWN, "classify", "none/image", b"", headers={"Prediction-key": "wrong"})

    assert (response.status_code, response.reason_phrase) == (401, "Access Denied")


@pytest.mark.parametrize("rest", ["image", "image/nostore", "url", "url/nostore"])
def test_project_is_looked_at_before_the_name_and_the_name_before_the_picture(
    rest: str, ask: Call, food_project: Project
) -> None:
    assert refusal(ask(UNKNOWN, "classify", f"none/{rest}", b"no picture")) == (404, "NotFoundProject")
    response = ask(food_project, "classify", f"none/{rest}", b"no picture")
    assert response.json() == {"code": "NotFoundIteration", "message": "Invalid iteration"}
    assert response.status_code == 404


@pytest.mark.parametrize("rest", ["live/image", "live/image/nostore"])
@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: b"no picture", "BadRequestImageFormat"),
        (lambda: b"", "BadRequestImageStream"),
        (lambda: padded(images.PREDICTION.max_bytes + 1), "BadRequestImageSizeBytes"),
        (lambda: padded(2 * images.PREDICTION.max_bytes), "BadRequestImageSizeBytes"),
        (lambda: one_colour((10_241, 500), "PNG"), "BadRequestImageDimensions"),
        (lambda: one_colour((2_700, 100), "PNG"), "BadRequestImageAspectRatio"),
    ],
    ids=["text", "nothing", "heavy", "twice as heavy", "large", "long"],
)
def test_picture_that_cannot_be_answered_is_refused_with_a_code(
    rest: str, make: Callable[[], bytes], code: str, ask: Call, food_project: Project
) -> None:
    assert refusal(ask(food_project, "classify", rest, make())) == (400, code)
    assert not StoredPrediction.objects.exists()


def test_body_that_is_far_too_big_is_not_read(ask: Call, food_project: Project) -> None:
    response = ask(food_project, "classify", "live/image", bytes(2 * images.PREDICTION.max_bytes + 1))

    assert refusal(response) == (413, "BadRequestImageSizeBytes")
    assert "at most 4.0 MB" in response.json()["message"]


def test_picture_is_refused_for_detection_whatever_its_weight(ask: Call, food_project: Project) -> None:
    response = ask(food_project, "detect", "live/image", bytes(images.PREDICTION.max_bytes))

    assert refusal(response) == (400, "BadRequestNotSupported")


def test_json_is_no_picture(ask: Call, food_project: Project) -> None:
    response = ask(food_project, "classify", "live/image", "{}", content_type="application/json")

    assert refusal(response) == (415, "ErrorUnknown")
    assert "'application/json' is not supported" in response.json()["message"]


def test_form_without_the_picture_is_refused(ask: Call, food_project: Project) -> None:
    response = ask(food_project, "classify", "live/image", b"--b--\r\n", content_type="multipart/form-data; boundary=b")

    assert refusal(response) == (400, "BadRequestImageStream")


@pytest.mark.parametrize("rest", ["live/url", "live/url/nostore"])
@pytest.mark.parametrize(
    ("body", "code"),
    [('{"url": "file:///etc/passwd"}', "BadRequestImageUrl"), ("{}", "BadRequest"), ("[", "BadRequest")],
)
def test_address_that_cannot_be_fetched_is_refused(
    rest: str, body: str, code: str, ask: Call, food_project: Project
) -> None:
    response = ask(food_project, "classify", rest, body, content_type="application/json")

    assert refusal(response) == (400, code)


def test_what_is_at_an_address_must_be_a_picture(ask: Call, food_project: Project, web: dict[str, bytes]) -> None:
    web[URL] = b"<html>"

    response = ask(food_project, "classify", "live/url", json.dumps({"url": URL}), content_type="application/json")

    assert refusal(response) == (400, "BadRequestImageFormat")


def test_name_of_an_application_that_is_too_long_is_refused(ask: Call, food_project: Project) -> None:
    response = ask(food_project, "classify", f"live/image?application={'a' * 201}", make_photo())

    assert refusal(response) == (400, "BadRequestPredictionInvalidApplicationName")


def test_nothing_is_stored_where_the_operator_wants_none(ask: Call, food_project: Project, settings: Settings) -> None:
    settings.CLASSIFR_PREDICTION_DAYS = 0

    assert ask(food_project, "classify", "live/image", make_photo()).status_code == 200
    assert not StoredPrediction.objects.exists()


def test_answer_waits_for_no_storage(ask: Call, food_project: Project, storage_refuses: None) -> None:
    get_backend("local").predict(admit(make_photo()), project=food_project)  # the head has been read before

    assert ask(food_project, "classify", "live/image", make_photo()).status_code == 200
    assert StoredPrediction.objects.get().picture.waiting_blob.attempts == 1


# Quick tests


def test_sdk_tests_an_iteration_that_is_not_published(
    trainer: Any, food_project: Project, web: dict[str, bytes]
) -> None:
    web[URL] = make_photo()
    iteration = food_project.iterations.get()

    of_bytes = trainer.quick_test_image(food_project.uid, web[URL], iteration_id=iteration.uid)
    of_url = trainer.quick_test_image_url(food_project.uid, URL, iteration_id=iteration.uid, store=False)

    assert of_bytes.iteration == of_url.iteration == str(iteration.uid)
    assert [str(each.uid) for each in StoredPrediction.objects.all()] == [of_bytes.id]


@pytest.mark.parametrize("live", [True, False])
def test_quick_test_without_an_iteration_asks_the_live_one_or_the_latest(
    live: bool, call: Call, food_project: Project
) -> None:
    iteration = food_project.iterations.get()
    if not live:
        Project.objects.filter(pk=food_project.pk).update(live_iteration=None)
        food_project.iterations.update(publish_name="")

    response = quick_test(call, food_project, make_photo())

    assert response.json()["iteration"] == str(iteration.uid)
    assert response["apim-request-id"] == response.json()["id"]


def test_quick_test_of_a_project_without_iterations_says_so(call: Call) -> None:
    assert refusal(quick_test(call, make_project(), make_photo())) == (404, "NotFoundProjectDefaultIteration")


def test_quick_test_of_an_unknown_iteration_is_refused(call: Call, food_project: Project) -> None:
    response = quick_test(call, food_project, make_photo(), f"?iterationId={UNKNOWN}")

    assert refusal(response) == (404, "NotFoundIteration")


def test_quick_test_of_an_iteration_in_training_is_refused(call: Call, food_project: Project) -> None:
    made = food_project.iterations.create(number=9, name="Iteration 9")

    response = quick_test(call, food_project, make_photo(), f"?iterationId={made.uid}")

    assert refusal(response) == (400, "BadRequestIterationIsNotTrained")


@pytest.mark.parametrize("names_it", [True, False])
def test_quick_test_of_an_iteration_that_is_only_noted_is_refused(names_it: bool, call: Call) -> None:
    project = make_project()
    noted = project.iterations.create(number=1, name="noted", status="Completed", remote_id=UNKNOWN)

    response = quick_test(call, project, make_photo(), f"?iterationId={noted.uid}" if names_it else "")

    expected = (400, "BadRequestNotSupported") if names_it else (404, "NotFoundProjectDefaultIteration")
    assert refusal(response) == expected


def test_quick_test_takes_pictures_as_training_does(call: Call, food_project: Project) -> None:
    heavy = padded(images.PREDICTION.max_bytes + 1)

    assert quick_test(call, food_project, heavy).status_code == 200
    assert StoredPrediction.objects.count() == 1
    too_heavy = quick_test(call, food_project, padded(images.TRAINING.max_bytes + 1))
    assert refusal(too_heavy) == (400, "BadRequestImageSizeBytes")


def quick_test(call: Call, project: Project, content: bytes, query: str = "") -> Any:
    path = f"/projects/{project.uid}/quicktest/image{query}"
    return call("post", path, data=content, content_type="application/octet-stream")


def test_quick_test_of_an_iteration_that_is_not_published_asks_azure_for_that_one(
    call: Call, recorded_azure: RecordedAzure, settings: Settings
) -> None:
    settings.CLASSIFR_CUSTOMVISION_TRAINING_ENDPOINT = recorded_azure.endpoint
    settings.CLASSIFR_CUSTOMVISION_TRAINING_KEY = "a-training-key"
    recorded_azure.on("POST", f"/projects/{PROJECT_ID}/quicktest/image", RecordedAnswer(200, RECORDED))
    project = make_project(backend="customvision", remote_id=PROJECT_ID)
    tags = [project.tags.create(name=name) for name in ("Tag1", "Tag2")]
    iteration = project.iterations.create(
        number=1, name="Iteration 1", status="Completed", remote_id=UNKNOWN, labels=dump_labels(map(Label.of, tags))
    )

    response = quick_test(call, project, make_photo(), f"?iterationId={iteration.uid}")

    [asked] = recorded_azure.requests
    assert asked.query["iterationId"] == UNKNOWN
    assert [each["tagName"] for each in response.json()["predictions"]] == ["Tag1", "Tag2"]


def test_archived_project_answers_programs_that_have_a_key(predictor: Any, food_project: Project) -> None:
    archive_project(food_project)

    answer = predictor.classify_image(food_project.uid, "live", make_photo())

    assert answer.project == str(food_project.uid)
    assert answer.predictions
