"""What greedy programs send costs little: length is looked at before content."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import requests
from django.test import Client

from customvision.bodies import read_json
from customvision.errors import ApiError
from customvision.fields import MOST_ITEMS
from customvision.schemas.images import ImageFileCreateBatch
from tests.classifr.serving import Served, served
from tests.customvision.answers import refusal
from tests.customvision.clients.whole_site import make_key
from tests.customvision.greedy import MOST_GROWN, bodies, bytes_grown, operations, queries
from training.models import Project

pytestmark = pytest.mark.slow

MEBI = 1024 * 1024
MOST_S = 20


# Every list has its limit


@pytest.mark.parametrize("half", ["training", "prediction"])
def test_every_list_that_programs_send_has_its_limit(half: str) -> None:
    document = Client().get(f"/customvision/{half}/openapi.json").json()
    endless = []
    for path, by_method in document["paths"].items():
        for method, operation in by_method.items():
            sent = [each["schema"] for each in operation["parameters"] if each["in"] == "query"]
            sent += [each["schema"] for each in operation.get("requestBody", {}).get("content", {}).values()]
            endless += [f"{method} {path}: {each}" for schema in sent for each in endless_in(schema, document)]

    assert endless == []


def endless_in(schema: dict[str, Any], document: Any) -> Iterator[dict[str, Any]]:
    """Yield the lists and the pairs without a limit that are in a schema."""
    if reference := schema.get("$ref"):
        schema = document["components"]["schemas"][reference.rpartition("/")[2]]
    if schema.get("type") == "array" and "maxItems" not in schema:
        yield schema
    if "additionalProperties" in schema and "maxProperties" not in schema:
        yield schema
    items = [schema["items"]] if "items" in schema else []
    for each in (*schema.get("anyOf", ()), *schema.get("properties", {}).values(), *items):
        yield from endless_in(each, document)


def test_list_that_is_too_long_is_refused_whatever_is_in_it(call: Any, project: Project) -> None:
    for items in ([1] * (MOST_ITEMS + 1), [{"contents": "a"}] * (MOST_ITEMS + 1)):
        answer = call(
            "post", f"/projects/{project.uid}/images/files", data={"images": items}, content_type="application/json"
        )

        assert refusal(answer) == (400, "BadRequestExceededBatchSize")
        assert answer.json()["message"] == f"images has {MOST_ITEMS + 1} entries; at most {MOST_ITEMS} are accepted."


def test_list_in_an_address_that_is_too_long_is_refused_whatever_is_in_it(call: Any, project: Project) -> None:
    answer = call("get", f"/projects/{project.uid}/images/id?imageIds={'a,' * (MOST_ITEMS + 1)}")

    assert refusal(answer) == (400, "BadRequestExceededBatchSize")
    assert answer.json()["message"].startswith(f"imageIds has {MOST_ITEMS + 1} entries")


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"[" * 300_000, "BadRequestExceededBatchSize", "300000 commas, brackets and quotes"),
        (b'{"x":"' + b"a" * 17 * MEBI + b'"}', "BadRequestImageSizeBytes", f"A text of the body has {17 * MEBI} bytes"),
        (b'{"x":' + b"1" * 17 * MEBI + b"}", "BadRequestImageSizeBytes", "A text of the body has"),
    ],
    ids=["values", "text", "number"],
)
def test_json_is_refused_by_its_lengths_before_it_is_parsed(rf: Any, content: bytes, code: str, words: str) -> None:
    with pytest.raises(ApiError, match=words) as caught:
        read_json(rf.post("/", content, content_type="application/json"), ImageFileCreateBatch)

    assert caught.value.code == code


# Whatever is sent


def test_greedy_bodies_of_four_mebibytes_cost_little(client: Client, api_key: str, food_project: Project) -> None:
    for operation in operations(food_project.uid):
        for body in bodies(operation, most=4 * MEBI) if operation.body_type else ():
            send = partial(
                client.generic,
                operation.method.upper(),
                operation.path,
                body.content,
                body.content_type,
                headers={operation.header: api_key},
            )
            check(send, at_most=MOST_GROWN // 2, of=f"{operation.method} {operation.path}: {body.name}")


@pytest.mark.slow
@pytest.mark.xdist_group("greedy")
def test_greediest_requests_cost_little(tmp_path: Path) -> None:
    """To a process of its own, all that each operation's limit allows."""
    with greedy_site(tmp_path) as site, requests.Session() as session:
        [process] = site.process.children()
        keys = dict.fromkeys(("Training-Key", "Prediction-Key"), make_key(site))
        projects = session.get(f"{site.address}/customvision/v3.3/training/projects", headers=keys).json()
        # What deletes comes last: the project among others.
        for operation in sorted(operations(UUID(projects[0]["id"])), key=lambda each: each.method == "delete"):
            ask = partial(session.request, operation.method, headers=keys, timeout=MOST_S, allow_redirects=False)
            name, address = f"{operation.method} {operation.path}", site.address + operation.path
            for query in queries(operation):
                check(partial(ask, address + query), at_most=MOST_GROWN, of=f"{name}{query[:20]}", pid=process.pid)
            for body in bodies(operation, most=sys.maxsize):
                headers = {**keys, "Content-Type": body.content_type}
                send = partial(ask, address, data=body.content, headers=headers)
                check(send, at_most=MOST_GROWN, of=f"{name}: {body.name}", pid=process.pid)
        assert site.process.children() == [process]


@contextmanager
def greedy_site(folder: Path) -> Iterator[Served]:
    environment = {"WEB_CONCURRENCY": "1"}
    Served(folder / "var", folder / "log", **environment).prepare()
    with served(folder / "var", folder / "log", **environment) as site:
        yield site


def check(send: Callable[[], Any], *, at_most: int, of: str, pid: int | str = "self") -> None:
    """Fail where it is answered late, by a fault of the server's, or with more memory than that."""
    answers = []
    started = time.monotonic()
    grown = bytes_grown(lambda: answers.append(send()), pid=pid)
    took_s = time.monotonic() - started
    [answer] = answers

    assert answer.status_code < 500, of
    assert grown < at_most, f"{of}: {grown:,} bytes"
    assert took_s < MOST_S, f"{of}: {took_s:.1f} s"
