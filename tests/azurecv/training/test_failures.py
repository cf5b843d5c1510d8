"""What goes wrong with calls to Azure."""

import time

import pytest
from pytest_django import Settings

from azurecv.training.mirror import CustomVisionMirror
from azurecv.training.trainer import CustomVisionTrainer
from tests import factories
from tests.azurecv import azure_training as recorded
from tests.azurecv.azure import RecordedAnswer, RecordedAzure, error
from tests.azurecv.azure_training import BUSY
from training.exceptions import (
    BackendMisconfigured,
    BackendUnavailable,
    Refused,
)

pytestmark = pytest.mark.django_db


def test_busy_azure_is_asked_again_when_it_says(azure: RecordedAzure, trainer: CustomVisionTrainer) -> None:
    later = error(429, "429", "Please retry after 1 second.", retry_after="1")
    azure.on("GET", "/domains", later, RecordedAnswer(200, recorded.DOMAINS))
    started = time.monotonic()

    assert len(trainer.domains()) == 3
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize("busy", [BUSY, error(503, "ServiceUnavailable", "Try later")])
def test_azure_that_stays_busy_is_unavailable(
    azure: RecordedAzure, trainer: CustomVisionTrainer, busy: RecordedAnswer
) -> None:
    azure.on("GET", "/domains", busy)

    with pytest.raises(BackendUnavailable, match="busy"):
        trainer.domains()

    assert len(azure.requests) == 6


def test_wait_that_is_too_long_is_told(azure: RecordedAzure, trainer: CustomVisionTrainer) -> None:
    azure.on("GET", "/domains", error(429, "429", "Rate limit is exceeded.", retry_after="1800"))

    with pytest.raises(BackendUnavailable, match="asks to wait for 30 minutes"):
        trainer.domains()

    assert len(azure.requests) == 1


def test_quota_that_is_used_up_is_not_taken_for_a_wrong_key(azure: RecordedAzure, trainer: CustomVisionTrainer) -> None:
    azure.on("GET", "/domains", recorded.OUT_OF_QUOTA)

    with pytest.raises(BackendUnavailable, match=r"quota .* is used up: .* replenished in 12"):
        trainer.domains()

    assert len(azure.requests) == 1


def test_calls_keep_the_pace(azure: RecordedAzure, trainer: CustomVisionTrainer, settings: Settings) -> None:
    settings.CLASSIFR_CUSTOMVISION_CALLS_PER_SECOND = 10.0
    azure.on("GET", "/domains", RecordedAnswer(200, recorded.DOMAINS))
    started = time.monotonic()

    for _ in range(4):
        trainer.domains()

    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize("name", ["CLASSIFR_CUSTOMVISION_TRAINING_ENDPOINT", "CLASSIFR_CUSTOMVISION_TRAINING_KEY"])
def test_missing_settings_are_named(
    azure: RecordedAzure, trainer: CustomVisionTrainer, settings: Settings, name: str
) -> None:
    setattr(settings, name, "")

    with pytest.raises(BackendMisconfigured, match=name):
        trainer.domains()


def test_wrong_key_is_the_operators_fault_and_in_no_message(azure: RecordedAzure, trainer: CustomVisionTrainer) -> None:
    azure.on("GET", "/domains", RecordedAnswer(401, {"error": {"code": "401", "message": "Access denied"}}))

    with pytest.raises(BackendMisconfigured, match="CLASSIFR_CUSTOMVISION_TRAINING_KEY") as caught:
        trainer.domains()

    assert "a-training-key" not in str(caught.value)


def test_azure_that_cannot_be_reached_is_unavailable(azure: RecordedAzure, trainer: CustomVisionTrainer) -> None:
    azure.close()

    with pytest.raises(BackendUnavailable, match="cannot be reached"):
        trainer.domains()


@pytest.mark.parametrize(
    "answer", [RecordedAnswer(200, {"a": 1}), RecordedAnswer(200), RecordedAnswer(200, [1]), RecordedAnswer(500)]
)
def test_answer_that_cannot_be_read_is_unavailable(
    azure: RecordedAzure, trainer: CustomVisionTrainer, answer: RecordedAnswer
) -> None:
    azure.on("GET", "/domains", answer)

    with pytest.raises(BackendUnavailable):
        trainer.domains()


def test_project_that_is_not_at_azure_is_refused(azure: RecordedAzure, mirror: CustomVisionMirror) -> None:
    with pytest.raises(Refused, match="does not know"):
        mirror.sync(factories.make_project())
