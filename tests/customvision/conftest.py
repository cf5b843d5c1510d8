"""Programs that speak to the API by the official SDK, over HTTP."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from azure.cognitiveservices.vision.customvision.prediction import CustomVisionPredictionClient
from azure.cognitiveservices.vision.customvision.training import CustomVisionTrainingClient
from msrest.authentication import ApiKeyCredentials
from pytest_django.live_server_helper import LiveServer

from accounts.keys import create_key
from accounts.models import ApiKey

ARM_ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/answers"
"""What programs name as the prediction resource."""


@pytest.fixture
def api_key(db: None) -> str:
    """A key that opens everything."""
    return create_key(name="tests", scope=ApiKey.Scope.ALL, by=None)[1]


@pytest.fixture
def trainer(live_server: LiveServer, api_key: str) -> Iterator[Any]:
    """The official client for training, as every program makes it."""
    with connect_trainer(live_server.url, api_key) as connected:
        yield connected


@pytest.fixture
def predictor(live_server: LiveServer, api_key: str) -> Iterator[Any]:
    """The official client for prediction."""
    credentials = ApiKeyCredentials(in_headers={"Prediction-key": api_key})
    with CustomVisionPredictionClient(live_server.url, credentials) as connected:  # type: ignore[no-untyped-call]
        yield connected


@contextmanager
def connect_trainer(endpoint: str, key: str) -> Iterator[Any]:
    credentials = ApiKeyCredentials(in_headers={"Training-key": key})
    with CustomVisionTrainingClient(endpoint, credentials) as connected:  # type: ignore[no-untyped-call]
        yield connected
    # The SDK leaves answers without a body unread, and their connections open: the test's database could not go.
    gc.collect()


@pytest.fixture
def call(client: Any, api_key: str) -> Callable[..., Any]:
    """Call an operation without an SDK: `call("get", "/projects")` returns Django's response."""

    def send(method: str, path: str, *, key: str = api_key, version: str = "v3.4-preview", **options: Any) -> Any:
        address = f"/customvision/{version}/training{path}"
        return getattr(client, method)(address, headers={"Training-key": key}, **options)

    return send
