"""The Azure backend: the real SDK, over HTTP, against recorded answers."""

from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from azurecv.prediction import CustomVisionBackend
from classifier.exceptions import BackendMisconfigured, BackendUnavailable
from engine.exceptions import RefusedPicture
from tests import factories
from tests.azurecv.azure import PROJECT_ID, RECORDED, RecordedAnswer, RecordedAzure, error
from training.models import Iteration, Project

pytestmark = pytest.mark.django_db

BUSY = error(429, "429", "Requests have exceeded rate limit. Please retry after 1 second.")


@pytest.fixture
def project() -> Project:
    return factories.make_project(backend="customvision", remote_id=PROJECT_ID)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("azurecv.prediction.BACK_OFF_S", 0.01)


def test_answer_is_sorted_and_names_its_iteration(recorded_azure: RecordedAzure, project: Project) -> None:
    answer = CustomVisionBackend().predict(factories.admit(factories.make_photo()), project=project)

    assert [each.tag for each in answer.predictions] == ["Tag1", "Tag2"]
    assert answer.predictions[0].probability == pytest.approx(0.9999961)
    assert answer.iteration_name == "My iteration"


def test_live_iteration_is_asked_by_its_publish_name(recorded_azure: RecordedAzure, project: Project) -> None:
    live = Iteration.objects.create(
        project=project, number=7, name="Iteration 7", status="Completed", publish_name="best", remote_id=uuid4()
    )
    project.live_iteration = live

    answer = CustomVisionBackend().predict(factories.admit(factories.make_photo()), project=project)

    assert "/iterations/best/" in recorded_azure.requests[0].path
    assert (answer.iteration, answer.iteration_name) == (live, "Iteration 7")


def test_without_a_live_iteration_the_setting_names_it(recorded_azure: RecordedAzure, project: Project) -> None:
    answer = CustomVisionBackend().predict(factories.admit(factories.make_photo()), project=project)

    assert "/iterations/My%20iteration/" in recorded_azure.requests[0].path
    assert answer.iteration is None


def test_setting_is_named_when_nothing_is_live(
    recorded_azure: RecordedAzure, project: Project, settings: Settings
) -> None:
    settings.CLASSIFR_CUSTOMVISION_PUBLISH_NAME = ""

    with pytest.raises(BackendMisconfigured, match="CLASSIFR_CUSTOMVISION_PUBLISH_NAME"):
        CustomVisionBackend().predict(factories.admit(factories.make_photo()), project=project)

    assert not recorded_azure.requests


def test_azure_is_asked_not_to_store_the_photo(recorded_azure: RecordedAzure, project: Project) -> None:
    CustomVisionBackend().predict(factories.admit(factories.make_photo()), project=project)

    request = recorded_azure.requests[0]
    assert request.path == (
        f"/customvision/v3.1/prediction/{PROJECT_ID}/classify/iterations/My%20iteration/image/nostore"
    )
    assert request.headers["Prediction-key"] == "a-key"


def test_storing_can_be_asked_for(recorded_azure: RecordedAzure, project: Project, settings: Settings) -> None:
    settings.CLASSIFR_CUSTOMVISION_STORE = True

    CustomVisionBackend().predict(factories.admit(factories.make_photo()), project=project)

    assert recorded_azure.requests[0].path.endswith("/image")


def test_photo_travels_without_its_metadata(recorded_azure: RecordedAzure, project: Project) -> None:
    photo = factories.make_photo(comment=b"taken at home")

    CustomVisionBackend().predict(factories.admit(photo), project=project)

    assert b"taken at home" in photo
    assert b"taken at home" not in recorded_azure.requests[0].body


@pytest.mark.parametrize("busy", [BUSY, error(503, "ServiceUnavailable", "Try later")])
def test_busy_azure_is_asked_again(recorded_azure: RecordedAzure, project: Project, busy: object) -> None:
    recorded_azure.answers[:0] = [busy, busy]

    answer = CustomVisionBackend().predict(factories.admit(factories.make_photo()), project=project)

    assert answer.predictions[0].tag == "Tag1"
    assert len(recorded_azure.requests) == 3


def test_azure_that_stays_busy_is_unavailable(recorded_azure: RecordedAzure, project: Project) -> None:
    recorded_azure.answers[:0] = [BUSY] * 3

    with pytest.raises(BackendUnavailable, match="429"):
        CustomVisionBackend().predict(factories.admit(factories.make_photo()), project=project)

    assert len(recorded_azure.requests) == 3


def test_long_wait_is_left_to_the_user(recorded_azure: RecordedAzure, project: Project) -> None:
    recorded_azure.answers.insert(0, error(429, "429", "Later", retry_after="60"))

    with pytest.raises(BackendUnavailable):
        CustomVisionBackend().predict(factories.admit(factories.make_photo()), project=project)

    assert len(recorded_azure.requests) == 1


def test_refused_picture_is_the_photos_fault(recorded_azure: RecordedAzure, project: Project) -> None:
    recorded_azure.answers.insert(0, error(400, "BadRequestImageFormat", "Bad Request Image Format, Uri: ab12"))

    with pytest.raises(RefusedPicture):
        CustomVisionBackend().predict(factories.admit(factories.make_photo()), project=project)


@pytest.mark.parametrize(
    ("status", "code"), [(404, "NotFoundIteration"), (401, "401"), (400, "BadRequestInvalidPublishName")]
)
def test_wrong_settings_are_the_operators_fault(
    recorded_azure: RecordedAzure, project: Project, status: int, code: str
) -> None:
    recorded_azure.answers.insert(0, error(status, code, "Invalid"))

    with pytest.raises(BackendMisconfigured, match=str(status)):
        CustomVisionBackend().predict(factories.admit(factories.make_photo()), project=project)


def test_key_is_in_no_message(recorded_azure: RecordedAzure, project: Project) -> None:
    recorded_azure.answers.insert(0, error(401, "401", "Access denied"))

    with pytest.raises(BackendMisconfigured) as caught:
        CustomVisionBackend().predict(factories.admit(factories.make_photo()), project=project)

    assert "a-key" not in str(caught.value)


def test_azure_that_cannot_be_reached_is_unavailable(recorded_azure: RecordedAzure, project: Project) -> None:
    recorded_azure.close()

    with pytest.raises(BackendUnavailable, match="cannot be reached"):
        CustomVisionBackend().predict(factories.admit(factories.make_photo()), project=project)


def test_azure_that_does_not_answer_is_unavailable(
    recorded_azure: RecordedAzure, project: Project, settings: Settings
) -> None:
    settings.CLASSIFR_CUSTOMVISION_TIMEOUT_SECONDS = 0.2
    recorded_azure.delay_s = 1.0

    with pytest.raises(BackendUnavailable, match="cannot be reached"):
        CustomVisionBackend().predict(factories.admit(factories.make_photo()), project=project)


def test_what_is_no_picture_does_not_travel(recorded_azure: RecordedAzure, project: Project, tmp_path: Path) -> None:
    (tmp_path / "menu.pdf").write_bytes(b"%PDF-1.7")

    with pytest.raises(CommandError, match="0 photos classified, 1 refused"):
        call_command("predict", tmp_path / "menu.pdf", project=project.name, stdout=StringIO(), stderr=StringIO())

    assert not recorded_azure.requests


def test_missing_settings_are_named(project: Project, settings: Settings) -> None:
    settings.CLASSIFR_CUSTOMVISION_ENDPOINT = ""
    settings.CLASSIFR_CUSTOMVISION_PUBLISH_NAME = "x"

    with pytest.raises(BackendMisconfigured, match="CLASSIFR_CUSTOMVISION_ENDPOINT"):
        CustomVisionBackend().predict(factories.admit(factories.make_photo()), project=project)


def test_project_without_remote_id_is_the_operators_fault(recorded_azure: RecordedAzure) -> None:
    with pytest.raises(BackendMisconfigured, match="remote id"):
        CustomVisionBackend().predict(factories.admit(factories.make_photo()), project=factories.make_project())


@pytest.mark.parametrize("endpoint", ["nonsense", "name.cognitiveservices.azure.com"])
def test_endpoint_that_is_no_address_is_named(project: Project, settings: Settings, endpoint: str) -> None:
    settings.CLASSIFR_CUSTOMVISION_ENDPOINT = endpoint
    settings.CLASSIFR_CUSTOMVISION_PREDICTION_KEY = settings.CLASSIFR_CUSTOMVISION_PUBLISH_NAME = "x"

    with pytest.raises(BackendMisconfigured, match="https://"):
        CustomVisionBackend().predict(factories.admit(factories.make_photo()), project=project)


@pytest.fixture
def unpublished(recorded_azure: RecordedAzure, project: Project, settings: Settings) -> Iteration:
    settings.CLASSIFR_CUSTOMVISION_TRAINING_ENDPOINT = recorded_azure.endpoint
    settings.CLASSIFR_CUSTOMVISION_TRAINING_KEY = "a-training-key"
    return Iteration.objects.create(
        project=project, number=7, name="Iteration 7", status="Completed", remote_id=uuid4()
    )


def test_quick_test_asks_for_the_iteration_and_stores_nothing(
    recorded_azure: RecordedAzure, unpublished: Iteration, settings: Settings
) -> None:
    settings.CLASSIFR_CUSTOMVISION_STORE = True
    recorded_azure.answers.insert(0, RecordedAnswer(200, RECORDED))

    answer = CustomVisionBackend().quick_test(factories.admit(factories.make_photo()), iteration=unpublished)

    request = recorded_azure.requests[0]
    assert request.route == ("POST", f"/projects/{PROJECT_ID}/quicktest/image")
    assert request.query == {"iterationId": str(unpublished.remote_id), "store": "false"}
    assert request.headers["Training-key"] == "a-training-key"
    assert [each.tag for each in answer.predictions] == ["Tag1", "Tag2"]
    assert answer.iteration == unpublished


def test_quick_test_of_what_azure_does_not_know_is_the_operators_fault(
    recorded_azure: RecordedAzure, unpublished: Iteration
) -> None:
    unpublished.remote_id = None

    with pytest.raises(BackendMisconfigured, match="Iteration 7"):
        CustomVisionBackend().quick_test(factories.admit(factories.make_photo()), iteration=unpublished)

    assert not recorded_azure.requests


@pytest.mark.parametrize(
    ("status", "code", "raised"),
    [
        (400, "BadRequestImageFormat", RefusedPicture),
        (404, "NotFoundIteration", BackendMisconfigured),
        (500, "ErrorUnknown", BackendUnavailable),
    ],
)
def test_quick_test_that_fails_is_told_from_a_refused_photo(
    recorded_azure: RecordedAzure, unpublished: Iteration, status: int, code: str, raised: type[Exception]
) -> None:
    recorded_azure.answers[:0] = [error(status, code, "No.")] * 3

    with pytest.raises(raised):
        CustomVisionBackend().quick_test(factories.admit(factories.make_photo()), iteration=unpublished)


@pytest.mark.parametrize(
    "body", [{}, {"predictions": []}, {"predictions": [{"tagName": "a", "probability": None}]}, []]
)
def test_answer_that_cannot_be_read_is_unavailable(
    recorded_azure: RecordedAzure, project: Project, body: dict[str, object]
) -> None:
    recorded_azure.answers.insert(0, RecordedAnswer(200, body))

    with pytest.raises(BackendUnavailable):
        CustomVisionBackend().predict(factories.admit(factories.make_photo()), project=project)
