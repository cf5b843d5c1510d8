"""What is sent to break the API is answered as an error of the protocol, or not at all; the site goes on."""

import json
import socket
from collections.abc import Iterator
from uuid import UUID

import pytest
import requests

from tests.customvision.clients.whole_site import Site

TRAINING = "/customvision/v3.4-preview/training"
NO_PROJECT = UUID(int=4 << 76 | 8 << 60)
IDS = [str(UUID(int=number)) for number in range(1000)]


@pytest.fixture(autouse=True)
def goes_on(site: Site) -> Iterator[None]:
    """After each attack the site answers, and nothing went wrong that nobody thought of."""
    before = site.log.stat().st_size
    yield
    with site.log.open() as log:
        log.seek(before)
        assert "Traceback" not in (said := log.read()), said
    assert requests.get(f"{site.address}/healthz", timeout=20).text == "ok"


@pytest.fixture(scope="module")
def project(site: Site) -> str:
    address = f"{site.address}{TRAINING}/projects?name=Attacked"
    return str(requests.post(address, headers={"Training-key": site.key}, timeout=20).json()["id"])


def send(site: Site, head: bytes, body: bytes = b"", *, ends: bool = False) -> tuple[int, str, bytes]:
    """Return the status, the content type and the body of what is answered to these very bytes.

    ends: whether the client sends no more; else it waits for the server to end the connection.
    """
    with site.connect() as client:
        client.sendall(head + body)
        if ends:
            client.shutdown(socket.SHUT_WR)
        received = bytearray()
        try:
            while data := client.recv(1 << 16):
                received += data
        except ConnectionResetError:
            pass
    first, _, content = bytes(received).partition(b"\r\n\r\n")
    lines = first.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    return int(lines[0].split(" ")[1]) if lines[0] else 0, headers.get("content-type", ""), content


def request(site: Site, target: str | bytes, *headers: str, method: str = "GET", host: str = "localhost") -> bytes:
    path = target if isinstance(target, bytes) else target.encode()
    more = [f"Host: {host}", f"Training-key: {site.key}", f"Prediction-key: {site.key}", "Connection: close", *headers]
    return method.encode() + b" " + path + b" HTTP/1.1\r\n" + "\r\n".join([*more, "", ""]).encode()


def is_told(answer: tuple[int, str, bytes], *statuses: int) -> bool:
    """Say whether it is one of these errors, in the shape that SDKs read."""
    status, kind, content = answer
    print(answer)
    return status in statuses and kind.startswith("application/json") and set(json.loads(content)) == {"code", "message"}


@pytest.mark.parametrize(
    "target",
    [
        "/customvision/../admin/",
        "/customvision/%2e%2e/admin/",
        "/CustomVision/v3.3/training/..%2f..%2fadmin",
        "//customvision//..//healthz",
        "/customvision/",
        f"{TRAINING}/projects/",
        f"{TRAINING}/projects/%00",
        f"{TRAINING}/projects/%c0%ae%c0%ae/tags",
        f"{TRAINING}/projects/{NO_PROJECT}%0d%0aX-Injected:%20yes",
        f"{TRAINING}/projects/{NO_PROJECT}/tags;jsessionid=1",
        f"{TRAINING}/projects/{{projectId}}/tags",
        f"{TRAINING}/" + "projects/" * 3000,
        "/customvision/v3.5/training/projects",
        "/customvision/files/../../etc/passwd?se=9999999999&sig=a",
        "/customvision/files/i-0/i-0?se=tomorrow&sig=a",
        "http://elsewhere/customvision/v3.3/training/nothing",
    ],
)
def test_addresses_lead_nowhere_else(site: Site, target: str) -> None:
    assert is_told(send(site, request(site, target)), 400, 403, 404)


@pytest.mark.parametrize(
    "target",
    [
        "images/id?imageIds=" + ",".join(IDS),
        "images/tagged?tagIds=" + ",".join(IDS),
        "images?take=99999999999999999999&skip=-1",
        "images?skip=99999999999999999999",
        "images?take=NaN",
        "tags?iterationId=%ff%fe",
        "images?$filter=metadata%3D%00",
        "images?$filter=metadata%3D" + "(" * 5000,
        f"iterations/{NO_PROJECT}/performance?threshold=inf",
    ],
    ids=lambda target: target[-40:],
)
def test_queries_are_told_what_is_wrong(site: Site, project: str, target: str) -> None:
    assert is_told(send(site, request(site, f"{TRAINING}/projects/{project}/{target}")), 400, 404, 414)


@pytest.mark.parametrize("name", ["%00", "%ff%fe", "%ed%a0%80", "a" * 20000, "%E2%80%8B", ""])
def test_names_that_are_none_are_refused(site: Site, name: str) -> None:
    answer = send(site, request(site, f"{TRAINING}/projects?name={name}", "Content-Length: 0", method="POST"))

    assert is_told(answer, 400, 414)


@pytest.mark.parametrize("host", ["", "elsewhere:99999", "a b", "evil.example/customvision", "[::1"])
def test_hosts_that_are_none_are_told(site: Site, host: str) -> None:
    status, kind, content = send(site, request(site, f"{TRAINING}/projects/{NO_PROJECT}", host=host))
    print(status, kind, content)
    assert status in {400, 404}
    assert not kind.startswith("text/html")


@pytest.mark.parametrize("method", ["TRACE", "OPTIONS", "HEAD", "PROPFIND", "get"])
def test_other_methods_are_told(site: Site, method: str) -> None:
    status, kind, content = send(site, request(site, f"{TRAINING}/projects", method=method))
    print(status, kind, content)
    assert status in {400, 405, 501}


DEEP = b'{"images":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
WIDE = b'{"images":[' + b",".join([b"{}"] * 50_000) + b"]}"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b"{}" * 1000, DEEP, WIDE, b'{"name":' + b"9" * 500_000 + b"}"],
    ids=["empty", "unfinished", "list", "null", "text", "bytes", "twice", "deep", "wide", "number"],
)
@pytest.mark.parametrize("path", ["", "/images/files", "/images/tags", "/predictions/query", "/train"])
def test_json_that_is_no_request_is_refused(site: Site, project: str, path: str, body: bytes) -> None:
    address = f"{site.address}{TRAINING}/projects/{project}{path}"
    headers = {"Training-key": site.key, "Content-Type": "application/json"}

    answer = requests.request("POST" if path else "PATCH", address, data=body, headers=headers, timeout=30)
    print(answer.status_code, answer.text)
    assert answer.status_code in {400, 404, 413}
    assert set(answer.json()) == {"code", "message"}
