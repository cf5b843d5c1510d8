"""What is sent to break the API is answered as an error of the protocol, or not at all; the site goes on."""

import json
from collections.abc import Iterator
from http.client import HTTPResponse
from uuid import UUID

import pytest
import requests

from tests.customvision.clients.whole_site import Site

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("clients")]

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
        assert "level=ERROR logger=customvision" not in (said := log.read()), said
    assert requests.get(f"{site.address}/healthz", timeout=20).text == "ok"


@pytest.fixture(scope="module")
def project(site: Site) -> str:
    address = f"{site.address}{TRAINING}/projects?name=Attacked"
    return str(requests.post(address, headers={"Training-key": site.key}, timeout=20).json()["id"])


def send(site: Site, head: bytes, body: bytes = b"") -> HTTPResponse:
    """Return what is answered to these very bytes."""
    with site.connect() as client:
        client.sendall(head + body)
        answer = HTTPResponse(client, method=head.split(b" ", 1)[0].decode())
        answer.begin()
        answer.content = answer.read()  # type: ignore[attr-defined]
        return answer


def request(site: Site, target: str, *headers: str, method: str = "GET", host: str = "localhost") -> bytes:
    keys = [f"Training-key: {site.key}", f"Prediction-key: {site.key}"]
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *keys, "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def told(answer: HTTPResponse) -> tuple[int, set[str]]:
    """Return the status and the keys of the JSON, which every error has."""
    content: bytes = answer.content  # type: ignore[attr-defined]
    assert answer.headers.get_content_type() == "application/json", content
    return answer.status, set(json.loads(content))


@pytest.mark.parametrize(
    "target",
    [
        "/customvision/../admin/",
        "/customvision/%2e%2e/admin/",
        "/CustomVision/v3.3/training/..%2f..%2fadmin",
        "//customvision//..//healthz",
        "/customvision/",
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
    status, keys = told(send(site, request(site, target)))

    assert status in {400, 403, 404}
    assert keys == {"code", "message"}


@pytest.mark.parametrize(
    "target",
    [
        "images/id?imageIds=" + ",".join(IDS),
        "images/tagged?tagIds=" + ",".join(IDS),
        "images?take=99999999999999999999&skip=-1",
        "images?skip=99999999999999999999",
        "images?take=NaN",
        "images?$filter=metadata%3D%00",
        "images?$filter=metadata%3D" + "(" * 5000,
        f"iterations/{NO_PROJECT}/performance?threshold=inf",
    ],
    ids=lambda target: target[-40:],
)
def test_queries_are_told_what_is_wrong(site: Site, project: str, target: str) -> None:
    status, keys = told(send(site, request(site, f"{TRAINING}/projects/{project}/{target}")))

    assert status in {400, 404, 414}
    assert keys == {"code", "message"}


@pytest.mark.parametrize("name", ["%00", "a" * 20000, "%E2%80%8B", ""])
def test_names_that_are_none_are_refused(site: Site, name: str) -> None:
    answer = send(site, request(site, f"{TRAINING}/projects?name={name}", "Content-Length: 0", method="POST"))

    status, keys = told(answer)

    assert status in {400, 414}
    assert keys == {"code", "message"}


@pytest.mark.parametrize("host", ["", "elsewhere:99999", "a b", "evil.example/customvision", "[::1"])
def test_hosts_that_are_none_are_told(site: Site, host: str) -> None:
    status, keys = told(send(site, request(site, f"{TRAINING}/projects/{NO_PROJECT}", host=host)))

    assert status == 400
    assert keys == {"code", "message"}


@pytest.mark.parametrize("method", ["TRACE", "OPTIONS", "HEAD", "PROPFIND", "get"])
def test_other_methods_are_told(site: Site, method: str) -> None:
    answer = send(site, request(site, f"{TRAINING}/projects", method=method))
    assert answer.status in {400, 405, 501}


DEEP = b'{"images":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
WIDE = b'{"images":[' + b",".join([b"{}"] * 50_000) + b"]}"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b"{}" * 1000, DEEP, WIDE, b'{"name":' + b"9" * 500_000 + b"}"],
    ids=["empty", "unfinished", "list", "null", "text", "bytes", "twice", "deep", "wide", "number"],
)
@pytest.mark.parametrize("path", ["", "/images/files", "/images/tags", "/predictions/query", "/train"])
def test_json_that_is_no_request_harms_nobody(site: Site, project: str, path: str, body: bytes) -> None:
    address = f"{site.address}{TRAINING}/projects/{project}{path}"
    headers = {"Training-key": site.key, "Content-Type": "application/json"}

    answer = requests.request("POST" if path else "PATCH", address, data=body, headers=headers, timeout=30)
    assert answer.status_code < 500
    assert answer.headers["Content-Type"].startswith("application/json")


PREDICTION = f"/customvision/v3.1/prediction/{NO_PROJECT}/classify/iterations/live/image"
PART = b'--x\r\nContent-Disposition: form-data; name="imageData"\r\n\r\n'


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", PART),
        ("multipart/form-data; boundary=", PART),
        ("multipart/form-data; boundary=" + "x" * 5000, PART),
        ("multipart/form-data; boundary=y", PART),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", PART),
        ("multipart/form-data; boundary=x", PART + b"\r\n--x-"),
        ("multipart/form-data; boundary=x", PART + b"\r\n--x--"),
        ("multipart/form-data; boundary=x", (PART + b"a\r\n") * 2000 + b"--x--"),
        ("multipart/form-data; boundary=x", b"--x\r\n" + b"A: b\r\n" * 5000 + b"\r\n\r\n--x--"),
        ("multipart/form-data; boundary=x", b"--x\r\n" + b"A" * 500_000 + b"\r\n\r\n--x--"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--"),
        ("multipart/mixed; boundary=x", PART + b"a\r\n--x--"),
        ("text/html", b"<html>"),
        ("application/json", b"{}"),
        ("application/octet-stream", b""),
        ("\x80", b"a"),
    ],
)
def test_bodies_without_a_picture_are_refused(site: Site, project: str, kind: str, body: bytes) -> None:
    head = request(
        site,
        f"{TRAINING}/projects/{project}/images",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        method="POST",
    )
    status, keys = told(send(site, head, body))

    assert (status, keys) == (207, {"isBatchSuccessful", "images"}) or status in {400, 413, 415}


@pytest.mark.parametrize(
    "length", ["-1", "1e3", "0x10", "+5", "5, 5", "99999999999999999999999", "5\r\nContent-Length: 6"]
)
def test_lengths_that_are_none_are_refused(site: Site, length: str) -> None:
    answer = send(site, request(site, PREDICTION, f"Content-Length: {length}", method="POST"), b"hello")

    assert answer.status in {400, 413}


def test_client_that_goes_in_the_middle_of_its_body_is_forgotten(site: Site) -> None:
    with site.connect() as client:
        client.sendall(request(site, PREDICTION, "Content-Length: 100000", method="POST") + bytes(10))


def test_every_id_that_a_program_may_name_fits_into_an_address(site: Site, project: str) -> None:
    ids = "%2C".join(IDS[:256])

    answer = send(site, request(site, f"{TRAINING}/projects/{project}/images/id?imageIds={ids}"))

    assert answer.status == 200
