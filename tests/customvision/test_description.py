"""The OpenAPI documents: valid, complete, and true."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from customvision.api import prediction, training
from tests import factories
from tests.customvision.conftest import run_program, tool

pytestmark = pytest.mark.slow

HALVES = ("training", "prediction")
SCHEMATHESIS = [
    "--exclude-checks=positive_data_acceptance",
    "--generation-deterministic",
    "--no-color",
]


def read(half: str) -> Any:
    return Client().get(f"/customvision/{half}/openapi.json").json()


def operations(document: Any) -> list[Any]:
    return [each for path in document["paths"].values() for each in path.values()]


@pytest.mark.parametrize("half", HALVES)
def test_the_document_is_valid(half: str, tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_text(json.dumps(read(half)))

    done = subprocess.run([tool("openapi-spec-validator"), tmp_path / "openapi.json"], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("half", "version"), [("training", "v3.4-preview"), ("prediction", "v3.1")])
def test_the_document_names_the_server_as_it_was_asked(half: str, version: str) -> None:
    assert read(half)["servers"] == [{"url": f"http://testserver/customvision/{version}/{half}"}]


def test_every_operation_says_its_key_and_its_errors() -> None:
    for half in HALVES:
        for each in operations(read(half)):
            assert each["security"] == [{f"{half.title()}Key": []}], each["operationId"]
            assert {"401", "4XX", "5XX"} <= set(each["responses"]), each["operationId"]


def test_every_operation_is_named_as_the_sdk_names_it() -> None:
    found = {each["operationId"] for half in HALVES for each in operations(read(half))}

    assert {"GetProjects", "UpdateTag", "ClassifyImageWithNoStore"} <= found
    assert len(found) == sum(1 for api in (training, prediction) for _ in api._operations())


def test_every_operation_is_on_the_page_of_the_api() -> None:
    page = (Path(settings.BASE_DIR) / "docs" / "api.md").read_text()
    told = set(re.findall(r"\w+", page))

    assert {each["operationId"] for half in HALVES for each in operations(read(half))} <= told


def test_names_are_those_of_the_protocol() -> None:
    document = read("training")

    assert "/projects/{projectId}/tags/{tagId}" in document["paths"]
    assert {"lastModified", "drModeEnabled"} <= set(document["components"]["schemas"]["ProjectOut"]["properties"])


def test_lists_in_queries_are_told_to_have_commas() -> None:
    posted = read("training")["paths"]["/projects"]["post"]["parameters"]
    platforms = next(each for each in posted if each["name"] == "targetExportPlatforms")

    assert (platforms["style"], platforms["explode"]) == ("form", False)


def test_each_half_has_the_bodies_that_it_reads() -> None:
    assert "ProjectIn" in read("training")["components"]["schemas"]
    assert "ProjectIn" not in read("prediction")["components"]["schemas"]


def without_longest_lists(document: Any) -> Any:
    """Let no list in an address have a limit: beyond it, it is longer than the 64 KiB that Django's server reads."""
    for operation in operations(document):
        for parameter in operation.get("parameters", []):
            for schema in (parameter["schema"], *parameter["schema"].get("anyOf", [])):
                schema.pop("maxItems", None)
    return document


@pytest.mark.parametrize(
    ("half", "phases", "examples"),
    [
        ("prediction", "fuzzing,stateful", 3),
        pytest.param("training", "fuzzing,stateful", 12, marks=pytest.mark.slow),
        pytest.param("prediction", "coverage,fuzzing,stateful", 50, marks=pytest.mark.slow),
    ],
)
def test_what_is_answered_is_what_the_document_says(
    half: str,
    phases: str,
    examples: int,
    live_server: LiveServer,
    api_key: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Schemathesis sends what the document allows and what it forbids, and looks at the answers.

    What it allows may still be refused: no schema says that a name is taken. The phase "coverage" of the training half
    takes minutes: run it by hand after a change of its shapes.
    """
    monkeypatch.setattr("customvision.keys._REFUSED_PER_MINUTE", 10_000)
    factories.make_project()
    document = requests.get(f"{live_server.url}/customvision/{half}/openapi.json", timeout=20).json()
    [server] = document["servers"]
    (tmp_path / "openapi.json").write_text(json.dumps(without_longest_lists(document)))
    command = [tool("schemathesis"), "run", "openapi.json", f"--url={server['url']}", *SCHEMATHESIS]

    key = ["--header", f"{half.title()}-key: {api_key}"]
    done = run_program(*command, f"--phases={phases}", f"--max-examples={examples}", *key, folder=tmp_path)

    assert done.returncode == 0, done.stdout[-8000:] + done.stderr
