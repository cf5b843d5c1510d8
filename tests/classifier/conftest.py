"""Azure as it was recorded."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.classifier.azure import RecordedAzure


@pytest.fixture
def recorded_azure(settings: Settings) -> Iterator[RecordedAzure]:
    """A server that speaks like Azure, and the settings that lead to it."""
    azure = RecordedAzure()
    settings.CLASSIFR_CUSTOMVISION_ENDPOINT = azure.endpoint
    settings.CLASSIFR_CUSTOMVISION_PREDICTION_KEY = "a-key"
    settings.CLASSIFR_CUSTOMVISION_PUBLISH_NAME = "My iteration"
    yield azure
    azure.close()
