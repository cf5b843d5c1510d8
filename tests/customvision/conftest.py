"""Programs that speak to the API by the official SDK, over HTTP, and what they find there."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from azure.cognitiveservices.vision.customvision.prediction import CustomVisionPredictionClient
from azure.cognitiveservices.vision.customvision.training import CustomVisionTrainingClient
from django.db import connection
from msrest.authentication import ApiKeyCredentials
from pytest_django.live_server_helper import LiveServer

from accounts.keys import create_key
from accounts.models import ApiKey
from jobs.services import do_here
from tests import factories
from tests.conftest import lacking
from training.models import Iteration, Project, Tag

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
    with _connect(CustomVisionPredictionClient, live_server.url, "Prediction-key", api_key) as connected:
        yield connected


def connect_trainer(endpoint: str, key: str) -> AbstractContextManager[Any]:
    return _connect(CustomVisionTrainingClient, endpoint, "Training-key", key)


def _connect(
    kind: Callable[..., AbstractContextManager[Any]], endpoint: str, header: str, key: str
) -> AbstractContextManager[Any]:
    return kind(endpoint, ApiKeyCredentials(in_headers={header: key}))


@pytest.fixture
def call(client: Any, api_key: str) -> Callable[..., Any]:
    """Call an operation without an SDK: `call("get", "/projects")` returns Django's response."""

    def send(method: str, path: str, *, key: str = api_key, version: str = "v3.4-preview", **options: Any) -> Any:
        address = f"/customvision/{version}/training{path}"
        return getattr(client, method)(address, headers={"Training-key": key}, **options)

    return send


def tool(name: str) -> str:
    """Return the path of a program that stands beside Python's, or anywhere else."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        lacking(f"The program {name}")
    return found


def run_program(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program that talks to the live server."""
    return subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=folder)


@pytest.fixture
def worker() -> Iterator[None]:
    """A thread that does what is queued, as the worker does."""
    ending = threading.Event()

    def work() -> None:
        while not ending.wait(0.1):
            for iteration in Iteration.objects.filter(status="New").exclude(job=None).select_related("job"):
                assert iteration.job
                do_here(iteration.job)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    ending.set()
    thread.join()


@pytest.fixture
def project(db: None) -> Project:
    """One whose images may have any number of tags."""
    return factories.make_project(type="Multilabel")


@pytest.fixture
def pets(project: Project) -> SimpleNamespace:
    """A dog, a cat, both, and nothing, in this order."""
    dog, cat = (Tag.objects.create(project=project, name=name) for name in ("dog", "cat"))
    tags = [[dog], [cat], [dog, cat], []]
    images = [factories.make_image(project=project, tags=each) for each in tags]
    return SimpleNamespace(project=project, dog=dog, cat=cat, images=images)
