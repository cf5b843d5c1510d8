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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.test import Client

from accounts.keys import create_key
from accounts.models import ApiKey
from engine import heads
from engine.packages import papers
from tests import factories
from tests.crafted import exif, one_colour, png
from tests.ends import FILES
from tests.engine.packages import ORIGIN, build, said_by_server, unpack
from tests.ports import free_port
from training.models import Project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("container")]

HEAD = heads.loads(factories.make_head("risotto", "cannoli", "pizza"))
DOCKER = replace(ORIGIN, platform="DockerFile", flavor="Linux")
PHOTO = factories.make_photo(seed=3, exif=exif(6))
PNG = factories.make_photo(seed=4, format="PNG")
BARE = "application/octet-stream"
FORM = "multipart/form-data; boundary=xyz"
IMAGE = ["/image", "/p1/image", "/p1/image/nostore"]
MEBI = 1024 * 1024
IMAGE += ["/p1/classify/iterations/my%20model/image", "/p1/classify/iterations/live/image/nostore"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack(build(HEAD, origin=DOCKER), tmp_path_factory.mktemp("docker"))


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
    port: int, path: str, body: bytes | Iterator[bytes] | None = None, *, kind: str = BARE
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
    answer = ask(port, "/image", form(PHOTO, head=head), kind=FORM)

    assert probabilities(answer) == pytest.approx(said_by_server(PHOTO, HEAD), abs=1e-4)


def test_the_answer_has_the_services_shape(port: int) -> None:
    answer = json.loads(ask(port, "/image", PHOTO)[2])

    assert [answer.pop(name) for name in ("id", "project", "iteration")] == ["", "", ""]
    assert datetime.fromisoformat(answer.pop("created")).tzinfo is None
    assert [each["tagName"] for each in answer["predictions"]] == ["risotto", "cannoli", "pizza"]
    assert all(re.fullmatch(r"\d(\.\d{1,8})?(e-\d+)?", str(each["probability"])) for each in answer["predictions"])
    assert {(each["tagId"], each["boundingBox"]) for each in answer["predictions"]} == {("", None)}
    assert answer.keys() == {"predictions"}


def refusal(answer: tuple[int, str, bytes]) -> tuple[int, str]:
    """Return the status and the code of a refusal, which has a sentence."""
    told = json.loads(answer[2])
    assert (answer[1], told.keys()) == ("application/json", {"code", "message"})
    assert told["message"].endswith(".")
    return answer[0], told["code"]


UNREADABLE = {
    "text": b"no picture",
    "nothing": b"",
    "another kind of file": b"%PDF-1.7 and so on",
    "cut off": PHOTO[:2000],
    "damaged": PNG[:100] + bytes(len(PNG) - 200) + PNG[-100:],
    "large": one_colour((10_241, 500), "PNG"),
    "long": one_colour((2_700, 100), "PNG"),
    "a bomb": png((7300, 7300)),
    "heavy": PHOTO + bytes(5_000_000 - len(PHOTO)),
    "twice as heavy": bytes(8 * MEBI),
    "heavier": bytes(8 * MEBI + 1),
}


def test_files_are_refused_in_the_servers_words(port: int, client: Client, food_project: Project) -> None:
    key = create_key(name="tests", scope=ApiKey.Scope.ALL, by=None)[1]
    address = f"/customvision/v3.1/prediction/{food_project.uid}/classify/iterations/live/image"

    for content in UNREADABLE.values():
        answer = ask(port, "/image", content)

        by_server = client.post(address, content, content_type=BARE, headers={"Prediction-key": key})
        assert refusal(answer)[0] == by_server.status_code
        assert json.loads(answer[2]) == by_server.json()


def test_photos_with_every_kind_of_end_are_judged_as_by_the_server(
    port: int, client: Client, food_project: Project
) -> None:
    key = create_key(name="tests", scope=ApiKey.Scope.ALL, by=None)[1]
    address = f"/customvision/v3.1/prediction/{food_project.uid}/classify/iterations/live/image"

    for name, file in FILES.items():
        by_server = client.post(address, file.content, content_type=BARE, headers={"Prediction-key": key})

        assert by_server.status_code == (200 if file.is_whole else 400), name
        assert ask(port, "/image", file.content)[0] == by_server.status_code, name


@pytest.mark.parametrize(
    ("path", "body", "kind", "code"),
    [
        ("/image", form(PHOTO, head='name="other"'), FORM, "BadRequestImageStream"),
        ("/image", form(PHOTO, head='name="imageData"')[:-20], FORM, "BadRequestImageStream"),
        ("/image", PHOTO, FORM, "BadRequestImageStream"),
        ("/image", PHOTO, "multipart/form-data", "BadRequestImageStream"),
        ("/url", b"no json", "application/json", "BadRequest"),
        ("/url", b"[]", "application/json", "BadRequest"),
        ("/url", b"{}", "application/json", "BadRequest"),
        ("/url", b'{"url": ["http://a.example/"]}', "application/json", "BadRequest"),
        ("/url", b"[" * 200_000, "application/json", "BadRequest"),
        ("/url", b'{"url": "file:///etc/passwd"}', "application/json", "BadRequestImageUrl"),
        ("/url", b'{"url": "http://nowhere.invalid/"}', "application/json", "BadRequestImageUrl"),
        ("/url", b'{"url": "http://[/"}', "application/json", "BadRequestImageUrl"),
    ],
)
def test_what_has_no_picture_is_refused_with_a_code(port: int, path: str, body: bytes, kind: str, code: str) -> None:
    assert refusal(ask(port, path, body, kind=kind)) == (400, code)


@pytest.mark.parametrize(
    ("spare", "status", "limit"),
    [(1, 400, b"at most 4 MiB"), (3 * MEBI, 400, b"at most 4 MiB"), (11 * MEBI, 413, b"at most 4.0 MB")],
)
def test_a_picture_over_four_megabytes_is_refused(port: int, spare: int, status: int, limit: bytes) -> None:
    content = PHOTO + bytes(4 * MEBI + spare - len(PHOTO))

    for answer in (ask(port, "/image", content), ask(port, "/image", form(content, head="name=imageData"), kind=FORM)):
        assert refusal(answer) == (status, "BadRequestImageSizeBytes")
        assert limit + b" are accepted" in answer[2]


def test_a_picture_may_come_in_chunks(port: int) -> None:
    answer = ask(port, "/image", iter([PHOTO[:1000], PHOTO[1000:]]))

    assert probabilities(answer) == pytest.approx(said_by_server(PHOTO, HEAD), abs=1e-4)


@pytest.mark.parametrize(("count", "status"), [(4, 400), (8, 413)])
def test_chunks_over_four_megabytes_are_refused(port: int, count: int, status: int) -> None:
    answer = ask(port, "/image", iter([PHOTO, *[bytes(MEBI)] * count]))

    assert refusal(answer) == (status, "BadRequestImageSizeBytes")


def test_a_long_body_with_an_address_is_not_looked_at(port: int) -> None:
    answer = ask(port, "/url", b"[" + b"1," * MEBI, kind="application/json")

    assert refusal(answer) == (413, "BadRequestImageSizeBytes")


def ask_by_headers(port: int, headers: dict[str, str], body: bytes = b"") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.putrequest("POST", "/image")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, b"", 400),
        ({"Content-Length": "many"}, b"", 400),
        ({"Transfer-Encoding": "gzip"}, b"", 501),
        ({"Transfer-Encoding": "chunked"}, b"-5\r\n", 400),
        ({"Transfer-Encoding": "chunked"}, b"1_0\r\n", 400),
        ({"Content-Length": "999999999"}, b"", 413),
    ],
)
def test_a_body_whose_end_is_not_told_is_refused(port: int, headers: dict[str, str], body: bytes, status: int) -> None:
    assert ask_by_headers(port, headers, body) == status


def test_who_waits_for_leave_to_send_gets_it(port: int) -> None:
    headers = {"Content-Length": str(len(PHOTO)), "Expect": "100-continue"}

    assert ask_by_headers(port, headers, PHOTO) == 200


BROKEN = """
import io, logging, app
logging.basicConfig()
application = app.Application(None, at_a_time=1, allowance=app.PUBLIC_ALONE)
body = open("../golden/0.png", "rb").read()
environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/image", "wsgi.input": io.BytesIO(body)}
print(*application(environ, lambda status, headers: print(status)))
"""


def test_what_nobody_thought_of_is_answered_without_a_traceback(folder: Path) -> None:
    program = [sys.executable, "-c", BROKEN]
    told = subprocess.run(program, cwd=folder / "app", capture_output=True, text=True, check=True)

    status, answer = told.stdout.splitlines()
    assert status == "500 Internal Server Error"
    assert '"code": "ErrorUnknown"' in answer
    assert "Traceback" not in answer
    assert "Traceback" in told.stderr


def test_many_at_once_are_answered(port: int) -> None:
    with ThreadPoolExecutor(24) as clients:
        answers = list(clients.map(lambda _: ask(port, "/image", PHOTO)[0], range(48)))

    assert answers == [200] * 48


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
    assert refusal(ask_by_url("/big.jpg")) == (400, "BadRequestImageSizeBytes")


def test_a_private_address_is_not_fetched(ask_by_url: Callable[..., tuple[int, str, bytes]]) -> None:
    answer = ask_by_url("/photo.jpg")

    assert refusal(answer) == (400, "BadRequestImageUrl")
    assert b"leads to a machine that is not in the public Internet." in answer[2]


def test_the_recipe_copies_what_the_package_has() -> None:
    with zipfile.ZipFile(io.BytesIO(build(HEAD, origin=DOCKER))) as package:
        names = package.namelist()
        recipe = package.read("Dockerfile").decode()

    assert {"app/app.py", "app/model.onnx", "app/labels.txt", "cvexport.manifest", "LICENSE", "README.md"} <= set(names)
    for source in re.findall(r"^COPY (\S+) ", recipe, flags=re.MULTILINE):
        assert any(name == source or name.startswith(f"{source}/") for name in names)


def test_the_container_runs_on_what_the_server_runs_on() -> None:
    root = Path(__file__).parents[2]
    pinned = (root / "requirements.txt").read_text() + (root / "requirements-dev.txt").read_text()
    lines = papers.packed("docker/requirements.txt").decode().splitlines()

    assert {line.partition("==")[0] for line in lines} == {
        "certifi",
        "multipart",
        "numpy",
        "onnxruntime",
        "pillow",
        "waitress",
    }
    assert all(f"\n{line} " in pinned for line in lines)
