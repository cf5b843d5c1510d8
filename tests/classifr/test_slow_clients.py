"""Clients who take their time, or say nothing at all, keep nobody else waiting: through a real gunicorn."""

import resource
import select
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest
import requests

from tests import factories
from tests.classifr.serving import PASSWORD, Served, served, token

pytestmark = pytest.mark.xdist_group("slow clients")

MANY = 50
"""More than the eight threads of the site."""
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
STYLES = b"GET /static/vendor/bootstrap.min.css HTTP/1.1\r\nHost: localhost\r\n\r\n"


def posting(length: int, *headers: str, path: str = "/accounts/login/") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {length}", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A site that loses patience soon."""
    folder = tmp_path_factory.mktemp("slow")
    environment = {
        "CLASSIFR_HEADER_SECONDS": "4",
        "CLASSIFR_BODY_SECONDS": "4",
        "CLASSIFR_SLOWEST_KIB_PER_SECOND": "1024",
        "CLASSIFR_BUFFERED_MIB": "8",
        "CLASSIFR_PHOTOS_PER_MINUTE": "12",
        "CLASSIFR_REVIEWER_PASSWORD": PASSWORD,
    }
    Served(folder / "var", folder / "log", **environment).prepare()
    with served(folder / "var", folder / "log", **environment) as running:
        yield running


def read_all(client: socket.socket) -> bytes:
    """Return what comes until the server ends the connection; it must, or this times out."""
    received = bytearray()
    try:
        while data := client.recv(1 << 20):
            received += data
    except ConnectionResetError:
        pass  # also an end
    return bytes(received)


def read_until(client: socket.socket, end: bytes, times: int = 1) -> bytes:
    received = bytearray()
    while received.count(end) < times:
        data = client.recv(1 << 20)
        assert data, received
        received += data
    return bytes(received)


@contextmanager
def many_clients(site: Served, beginning: bytes) -> Iterator[Sequence[socket.socket]]:
    with ExitStack() as stack:
        clients = [stack.enter_context(site.connect()) for _ in range(MANY)]
        for client in clients:
            client.sendall(beginning)
        yield clients


@contextmanager
def dripping(clients: Sequence[socket.socket]) -> Iterator[None]:
    """Send a byte through each every now and then."""
    done = threading.Event()

    def drip() -> None:
        open_ones = list(clients)
        while not done.wait(0.2):
            for client in list(open_ones):
                try:
                    client.send(b"x")
                except OSError:
                    open_ones.remove(client)

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize(
    "beginning",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        posting(100_000),
        posting(0, "Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b"") + b"10000\r\n",
        b"",
    ],
    ids=["headers", "bodies", "chunks", "nothing"],
)
def test_dripping_clients_hold_no_thread_and_are_sent_away(site: Served, beginning: bytes) -> None:
    with many_clients(site, beginning) as clients, dripping(clients):
        answer = site.send_photo(site.sign_in(), factories.make_photo())
        assert "/predictions/" in answer.url
        ends = [read_all(client) for client in clients]

    assert {end.split(b"\r\n")[0] for end in ends} <= {b"HTTP/1.1 408 Request Timeout", b""}


def test_silent_clients_are_sent_away(site: Served) -> None:
    with many_clients(site, b"") as clients:
        assert {read_all(client) for client in clients} == {b""}


def test_clients_who_do_not_read_hold_no_thread_and_are_sent_away(site: Served) -> None:
    with many_clients(site, 100 * STYLES) as clients:
        assert requests.get(f"{site.address}/healthz", timeout=20).text == "ok"
        threading.Event().wait(8)  # patience for an answer of that size is over
        lengths = [len(read_all(client)) for client in clients]

    whole = requests.get(f"{site.address}/static/vendor/bootstrap.min.css", timeout=20).content
    assert max(lengths) < 100 * len(whole)


def test_photo_of_nearly_four_mebibytes_comes_in_small_pieces(site: Served) -> None:
    session = site.sign_in()
    page = session.get(f"{site.address}/").text
    photo = factories.make_photo(size=(2000, 1500)) + bytes(4 * 1024 * 1024 - 400_000)
    fields = {"project": "1", "csrfmiddlewaretoken": token(page)}
    request = requests.Request("POST", f"{site.address}/", data=fields, files={"photo": ("p.jpg", photo)})
    prepared = session.prepare_request(request)
    assert isinstance(prepared.body, bytes)
    headers = "".join(f"{name}: {value}\r\n" for name, value in prepared.headers.items() if name != "Connection")

    with site.connect() as client:
        client.sendall(f"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n".encode())
        for start in range(0, len(prepared.body), 10_007):
            client.sendall(prepared.body[start : start + 10_007])
        answer = read_all(client)

    assert b"Location: /predictions/" in answer


def test_requests_may_follow_one_another_on_a_connection(site: Served) -> None:
    with site.connect() as client:
        for _ in range(3):
            client.sendall(GET)
            assert read_until(client, b"\r\n\r\nok")


@pytest.mark.parametrize("waits", [True, False])
def test_request_may_follow_a_body_that_nobody_read(site: Served, *, waits: bool) -> None:
    with site.connect() as client:
        client.sendall(posting(300_000, path="/nowhere") + bytes(300_000))
        refusal = read_until(client, b"</html>") if waits else b""
        client.sendall(GET)
        answers = refusal + read_until(client, b"\r\n\r\nok")

    assert answers.count(b"HTTP/1.1 404 ") == 1


def test_requests_may_be_sent_before_the_answers_are_read(site: Served) -> None:
    body = b"language=en"
    with site.connect() as client:
        client.sendall(GET + posting(len(body)) + body + GET + GET[:20])
        client.sendall(GET[20:])
        answers = read_until(client, b"\r\n\r\nok", times=3)

    assert answers.count(b"HTTP/1.1 403 Forbidden") == 1  # no CSRF token


def test_head_may_come_byte_by_byte(site: Served) -> None:
    with site.connect() as client:
        for byte in GET:
            client.sendall(bytes([byte]))
        assert read_until(client, b"\r\n\r\nok")


def in_chunks(*headers: str, path: str = "/accounts/login/") -> bytes:
    return posting(0, "Transfer-Encoding: chunked", *headers, path=path).replace(b"Content-Length: 0\r\n", b"")


def test_photo_may_come_in_chunks(site: Served) -> None:
    session = site.sign_in()
    fields = {"project": "1", "csrfmiddlewaretoken": token(session.get(f"{site.address}/").text)}
    request = requests.Request("POST", site.address, data=fields, files={"photo": ("p", factories.make_photo())})
    prepared = session.prepare_request(request)
    assert isinstance(prepared.body, bytes)
    pieces = (prepared.body[start : start + 1009] for start in range(0, len(prepared.body), 1009))

    answer = session.post(prepared.url or "", data=pieces, headers={"Content-Type": prepared.headers["Content-Type"]})

    assert "/predictions/" in answer.url


def test_what_comes_behind_chunks_is_the_next_request(site: Served) -> None:
    with site.connect() as client:
        client.sendall(in_chunks() + b"5\r\nhello\r\n0\r\nX-Trailer: a\r\n\r\n" + GET)
        client.sendall(in_chunks() + b"0\r\n\r\n" + GET)
        answers = read_until(client, b"\r\n\r\nok", times=2)

    assert answers.count(b"HTTP/1.1 403 Forbidden") == 2  # no CSRF token
    assert answers.count(b"HTTP/1.1 ") == 4


def test_client_who_asks_first_may_send_chunks(site: Served) -> None:
    with site.connect() as client:
        client.sendall(in_chunks("Expect: 100-continue", "Connection: close"))
        assert read_until(client, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"d\r\nusername=anne\r\n0\r\n\r\n")
        assert read_all(client).startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("body", [b"7fffffff\r\n", b"100000\r\n%s\r\n1\r\n" % bytes(1 << 20)], ids=["said", "sent"])
def test_chunks_that_are_too_much_are_refused_once_that_is_known(site: Served, body: bytes) -> None:
    with site.connect() as client:
        client.sendall(in_chunks("HX-Request: true") + body)
        assert read_all(client).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ((), b"nonsense\r\n", b"400"),
        ((), b"5\r\nhello world\r\n", b"400"),
        (("Transfer-Encoding: chunked",), b"0\r\n\r\n", b"400"),
        (("Transfer-Encoding: identity",), b"0\r\n\r\n", b"400"),
    ],
    ids=["no size", "longer than it says", "chunks in chunks", "chunks in something"],
)
def test_chunks_that_are_none_end_the_connection(
    site: Served, headers: tuple[str, ...], body: bytes, status: bytes
) -> None:
    with site.connect() as client:
        client.sendall(in_chunks(*headers) + body + GET)
        answer = read_all(client)

    assert answer.split(b" ")[1] == status
    assert answer.count(b"HTTP/1.1 ") == 1


def test_other_codings_are_not_taken(site: Served) -> None:
    with site.connect() as client:
        client.sendall(in_chunks().replace(b"chunked", b"gzip, chunked") + b"0\r\n\r\n" + GET)
        assert read_all(client).startswith(b"HTTP/1.1 501 ")


def test_length_and_chunks_together_are_refused(site: Served) -> None:
    with site.connect() as client:
        client.sendall(posting(5, "Transfer-Encoding: chunked") + b"0\r\n\r\n" + GET)
        answer = read_all(client)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("sent", [0, 20 * 1024 * 1024], ids=["before it comes", "while it comes"])
def test_body_that_is_too_long_is_refused_by_its_length(site: Served, sent: int) -> None:
    with site.connect() as client:
        client.sendall(posting(30 * 1024 * 1024, "HX-Request: true", "Accept-Language: en", path="/") + bytes(sent))
        answer = read_all(client)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"weighs 30.0" in answer


def test_client_who_asks_first_is_told_to_go_on(site: Served) -> None:
    body = b"username=anne"
    with site.connect() as client:
        client.sendall(posting(len(body), "Expect: 100-continue", "Connection: close"))
        assert read_until(client, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        assert read_all(client).startswith(b"HTTP/1.1 403 ")


def test_client_who_asks_first_is_told_that_it_is_too_much(site: Served) -> None:
    with site.connect() as client:
        client.sendall(posting(30 * 1024 * 1024, "Expect: 100-continue"))
        assert read_all(client).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: %s\r\n" % (i, bytes(5000).hex().encode()) for i in range(9)), b"431"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n", b"400"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nExpect: tea\r\n\r\n", b"417"),
    ],
)
def test_head_that_is_no_head_is_refused(site: Served, head: bytes, status: bytes) -> None:
    with site.connect() as client:
        client.sendall(head)
        assert read_all(client).split(b" ")[1] == status


def test_unfinished_uploads_are_not_taken_without_end(site: Served) -> None:
    part = posting(100 * 1024 * 1024, path="/projects/1/images/upload") + bytes(4 * 1024 * 1024)
    with ExitStack() as stack:
        clients = [stack.enter_context(site.connect()) for _ in range(6)]
        for client in clients:
            client.sendall(part)
        answered = select.select(clients, [], [], 20)[0]
        assert {client.recv(32).split(b" ")[1] for client in answered} == {b"503"}

    assert requests.get(f"{site.address}/healthz", timeout=20).text == "ok"


@contextmanager
def no_file_past(site: Served, most: int) -> Iterator[None]:
    """No file of the site's processes can grow past that many bytes, as on a disk that is full."""
    for process in site.process.children():
        process.rlimit(psutil.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        for process in site.process.children():
            process.rlimit(psutil.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def test_disk_without_room_for_bodies_costs_those_bodies_alone(site: Served) -> None:
    before = site.process.children()
    room = 512 * 1024  # more than is kept in memory
    with no_file_past(site, room), ExitStack() as stack:
        clients = [stack.enter_context(site.connect()) for _ in range(8)]
        for client in clients:
            client.sendall(posting(room + 500) + bytes(room))
        threading.Event().wait(1)  # so that the rest comes by itself, and waits in a buffer
        for client in clients[4:]:
            client.sendall(bytes(400))
            client.close()
        for client in clients[:4]:
            client.sendall(bytes(500))
        answers = [read_all(client) for client in clients[:4]]
        assert requests.get(f"{site.address}/healthz", timeout=20).text == "ok"

    assert {answer.split(b" ")[1] for answer in answers} == {b"503"}
    assert site.process.children() == before


def test_processes_share_the_connections(site: Served) -> None:
    with ExitStack() as stack:
        for _ in range(40):
            client = stack.enter_context(site.connect())
            client.sendall(GET)
            read_until(client, b"ok")
        held = [len(process.net_connections("tcp")) for process in site.process.children()]

    assert min(held) > 8  # of 40, and the port itself


def test_more_clients_than_files_may_be_open_are_left_waiting(site: Served) -> None:
    with served(Path(site.environment["CLASSIFR_VAR"]), site.log, CLASSIFR_HEADER_SECONDS="1") as small:
        small.process.rlimit(psutil.RLIMIT_NOFILE, (120, 120))
        for process in small.process.children():
            process.terminate()  # those that come instead may open no more
            process.wait(30)
        before = wait_for_children(small, 2)
        with ExitStack() as stack:
            for _ in range(400):
                stack.enter_context(small.connect()).sendall(b"GET / HTTP/1.1\r\n")
            assert requests.get(f"{small.address}/healthz", timeout=60).text == "ok"
        assert small.process.children() == before


def wait_for_children(site: Served, count: int) -> list[psutil.Process]:
    deadline = time.monotonic() + 30
    while len(found := site.process.children()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def test_photos_of_a_user_are_counted_over_all_processes(site: Served) -> None:
    session = site.sign_in("reviewer")
    fields = {"csrfmiddlewaretoken": token(session.get(f"{site.address}/").text)}
    cookies = session.cookies.get_dict()

    def send(_: int) -> int:
        return requests.post(f"{site.address}/", fields, cookies=cookies, timeout=20).status_code

    with ThreadPoolExecutor(8) as senders:
        statuses = list(senders.map(send, range(30)))

    assert sorted(statuses) == [200] * 12 + [429] * 18


def test_site_ends_when_told_to_however_slow_its_clients(site: Served, tmp_path: Path) -> None:
    with (
        many_clients(site, b"GET / HTTP/1.1\r\n"),
        many_clients(site, posting(100_000)),
        many_clients(site, 100 * STYLES),
    ):
        site.stop()

    log = site.log.read_text()
    assert "Traceback" not in log
    assert "SIGKILL" not in log
    site.start()
