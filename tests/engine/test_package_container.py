"""The container's program, run as a process: it answers as Custom Vision's containers do."""

import http.client
import io
import json
import os
import re
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from engine import heads, packages
from engine.packages import papers
from tests import factories
from tests.crafted import exif
from tests.engine.packages import ORIGIN, build, said_by_server, unpack

pytestmark = pytest.mark.xdist_group("container")

HEAD = heads.loads(factories.make_head("risotto", "cannoli", "pizza"))
DOCKER = replace(ORIGIN, platform="DockerFile", flavor="Linux")
PHOTO = factories.make_photo(seed=3, exif=exif(6))
IMAGE = ["/image", "/p1/image", "/p1/image/nostore"]
IMAGE += ["/p1/classify/iterations/my%20model/image", "/p1/classify/iterations/live/image/nostore"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack(build(HEAD, origin=DOCKER), tmp_path_factory.mktemp("docker"))


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module", params=[""])
def port(request: pytest.FixtureRequest, folder: Path) -> Iterator[int]:
    """Where the program listens; the parameter is what ALLOW_PRIVATE_URLS says."""
    port = free_port()
    environment = {**os.environ, "HOST": "127.0.0.1", "PORT": str(port), "ALLOW_PRIVATE_URLS": request.param}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "app.py"], cwd=folder / "app", env=environment, stderr=log)
        try:
            wait_for(port, process)
            yield port
        finally:
            process.terminate()
            assert process.wait(timeout=10) == 0


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            continue
    raise AssertionError("The program ended.")


def ask(
    port: int, path: str, body: bytes | Iterator[bytes] | None = None, *, kind: str = "application/octet-stream"
) -> tuple[int, str, bytes]:
    """Return status, type and body of the answer. body: an iterator is sent in chunks."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET" if body is None else "POST", path, body, {"Content-Type": kind})
    answer = connection.getresponse()
    found = answer.status, answer.headers["Content-Type"], answer.read()
    connection.close()
    return found


def probabilities(answer: tuple[int, str, bytes]) -> dict[str, float]:
    assert answer[:2] == (200, "application/json")
    return {each["tagName"]: each["probability"] for each in json.loads(answer[2])["predictions"]}


def form(content: bytes, *, head: str) -> bytes:
    return f"--xyz\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n--xyz--\r\n"


def test_it_says_what_it_is(port: int) -> None:
    assert ask(port, "/") == (200, "text/html; charset=utf-8", b"CustomVision.ai model host harness")


@pytest.mark.parametrize("path", IMAGE)
def test_a_picture_gets_the_servers_probabilities_at_every_address(port: int, path: str) -> None:
    assert probabilities(ask(port, path, PHOTO)) == pytest.approx(said_by_server(PHOTO, HEAD), abs=1e-4)


@pytest.mark.parametrize(
    "head", ['name="imageData"', 'name="imageData"; filename="a.jpg"\r\nContent-Type: image/jpeg', "name=imageData"]
)
def test_a_form_has_its_picture_as_a_field_or_as_a_file(port: int, head: str) -> None:
    answer = ask(port, "/image", form(PHOTO, head=head), kind="multipart/form-data; boundary=xyz")

    assert probabilities(answer) == pytest.approx(said_by_server(PHOTO, HEAD), abs=1e-4)


def test_the_answer_has_the_services_shape(port: int) -> None:
    answer = json.loads(ask(port, "/image", PHOTO)[2])

    assert [answer.pop(name) for name in ("id", "project", "iteration")] == ["", "", ""]
    assert datetime.fromisoformat(answer.pop("created")).tzinfo is None
    assert [each["tagName"] for each in answer["predictions"]] == ["risotto", "cannoli", "pizza"]
    assert all(re.fullmatch(r"\d(\.\d{1,8})?(e-\d+)?", str(each["probability"])) for each in answer["predictions"])
    assert {(each["tagId"], each["boundingBox"]) for each in answer["predictions"]} == {("", None)}
    assert answer.keys() == {"predictions"}


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/image", b"no picture", "application/octet-stream"),
        ("/image", PHOTO[:2000], "application/octet-stream"),
        ("/image", form(PHOTO, head='name="other"'), "multipart/form-data; boundary=xyz"),
        ("/image", PHOTO, "multipart/form-data"),
        ("/url", b"no json", "application/json"),
        ("/url", b"[]", "application/json"),
        ("/url", b'{"url": "file:///etc/passwd"}', "application/json"),
    ],
)
def test_what_cannot_be_answered_is_told_as_the_service_does(port: int, path: str, body: bytes, kind: str) -> None:
    assert ask(port, path, body, kind=kind)[::2] == (500, b"Error processing image")


def test_a_picture_over_four_megabytes_is_refused(port: int) -> None:
    status, _kind, sentence = ask(port, "/image", PHOTO + bytes(4 * 1024 * 1024))

    assert (status, b"at most 4194304" in sentence) == (413, True)


def test_a_picture_may_come_in_chunks(port: int) -> None:
    answer = ask(port, "/image", iter([PHOTO[:1000], PHOTO[1000:]]))

    assert probabilities(answer) == pytest.approx(said_by_server(PHOTO, HEAD), abs=1e-4)


def test_chunks_over_four_megabytes_are_refused(port: int) -> None:
    answer = ask(port, "/image", iter([bytes(1024 * 1024)] * 8))

    assert answer[::2] == (413, b"The request has more than 4259840 bytes.")


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Length": "many"}, b"", 411),
        ({"Transfer-Encoding": "gzip"}, b"", 411),
        ({"Transfer-Encoding": "chunked", "Content-Length": "5"}, b"0\r\n\r\n", 411),
        ({"Transfer-Encoding": "chunked"}, b"-5\r\n", 400),
        ({"Transfer-Encoding": "chunked"}, b"1_0\r\n", 400),
        ({"Transfer-Encoding": "chunked"}, b"fffffffff\r\n", 400),
        ({"Transfer-Encoding": "chunked"}, b"ffffffff\r\n", 413),
    ],
)
def test_a_body_whose_end_is_not_told_is_refused(port: int, headers: dict[str, str], body: bytes, status: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.putrequest("POST", "/image")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders(body)

    assert connection.getresponse().status == status
    connection.close()


@pytest.mark.parametrize("path", ["/elsewhere", "/p1/p2/image", "/image/more"])
def test_other_addresses_are_not_found(port: int, path: str) -> None:
    assert ask(port, path)[0] == 404
    assert ask(port, path, PHOTO)[0] == 404


@pytest.fixture
def web() -> Iterator[str]:
    """A web server of this machine with a photo, one that is too big, and a way to the photo."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_moved = self.path.startswith("/moved")
            self.send_response(302 if is_moved else 200)
            self.send_header("Location", "/photo.jpg")
            self.end_headers()
            self.wfile.write(PHOTO + bytes(5 * 1024 * 1024 if self.path == "/big.jpg" else 0))

        def log_message(self, format: str, *values: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def ask_by_url(port: int, web: str) -> Callable[..., tuple[int, str, bytes]]:
    return lambda path, at="/url": ask(port, at, json.dumps({"url": web + path}).encode(), kind="application/json")


@pytest.mark.parametrize("port", ["1"], indirect=True)
def test_a_picture_is_fetched_from_its_address(ask_by_url: Callable[..., tuple[int, str, bytes]]) -> None:
    expected = pytest.approx(said_by_server(PHOTO, HEAD), abs=1e-4)

    for path in ("/photo.jpg", "/moved?by=1"):
        assert probabilities(ask_by_url(path)) == expected
    for alias in (
        "/p1/url",
        "/p1/url/nostore",
        "/p1/classify/iterations/m/url",
        "/p1/classify/iterations/m/url/nostore",
    ):
        assert probabilities(ask_by_url("/photo.jpg", at=alias)) == expected
    assert ask_by_url("/big.jpg")[::2] == (500, b"Error processing image")


def test_a_private_address_is_not_fetched(ask_by_url: Callable[..., tuple[int, str, bytes]], folder: Path) -> None:
    assert ask_by_url("/photo.jpg")[::2] == (500, b"Error processing image")
    assert "127.0.0.1 is a private address." in (folder / "log").read_text()


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:192.168.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
    ],
)
def test_public_addresses_are_told_from_others(folder: Path, address: str, *, expected: bool) -> None:
    code = f"import fetching; print(fetching.is_public({address!r}))"
    told = subprocess.run([sys.executable, "-c", code], cwd=folder / "app", capture_output=True, text=True, check=True)

    assert told.stdout.strip() == str(expected)


def test_the_recipe_copies_what_the_package_has() -> None:
    with zipfile.ZipFile(io.BytesIO(build(HEAD, origin=DOCKER))) as package:
        names = package.namelist()
        recipe = package.read("Dockerfile").decode()
        packages.check(build(HEAD, origin=DOCKER))

    assert {"app/app.py", "app/model.onnx", "app/labels.txt", "cvexport.manifest", "LICENSE", "README.md"} <= set(names)
    for source in re.findall(r"^COPY (\S+) ", recipe, flags=re.MULTILINE):
        assert any(name == source or name.startswith(f"{source}/") for name in names)


def test_the_container_runs_on_what_the_server_runs_on() -> None:
    pinned = (Path(__file__).parents[2] / "requirements.txt").read_text()
    lines = papers.packed("docker/requirements.txt").decode().splitlines()

    assert {line.partition("==")[0] for line in lines} == {"numpy", "onnxruntime", "pillow"}
    assert all(f"{line} " in pinned for line in lines)
