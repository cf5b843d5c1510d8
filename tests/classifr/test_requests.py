"""Requests as they come over the wire, and what is refused of them: through a real gunicorn."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from uuid import UUID

import pytest
import requests

from tests import factories
from tests.classifr.serving import PASSWORD, Served, served, token
from tests.classifr.wire import GET, in_chunks, many_clients, posting, read_all, read_until, read_while_sending

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("requests")]

MEBI = 1024 * 1024


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("requests")
    environment = {"CLASSIFR_PHOTOS_PER_MINUTE": "12", "CLASSIFR_REVIEWER_PASSWORD": PASSWORD}
    Served(folder / "var", folder / "log", **environment).prepare()
    with served(folder / "var", folder / "log", **environment) as running:
        yield running


def test_photo_of_nearly_four_mebibytes_comes_in_small_pieces(site: Served) -> None:
    session = site.sign_in()
    page = session.get(f"{site.address}/").text
    photo = factories.make_photo(size=(2000, 1500)) + bytes(4 * MEBI - 400_000)
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


def test_address_may_name_hundreds_of_ids(site: Served) -> None:
    answer = requests.get(f"{site.address}/healthz", {"ids": ",".join(["0" * 36] * 500)}, timeout=20)

    assert answer.text == "ok"


# In chunks


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


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ((), b"nonsense\r\n", b"400"),
        ((), b"5\r\nhello world\r\n", b"400"),
        ((), b"5;%s\r\n" % (b"a" * 10_000), b"400"),
        (("Transfer-Encoding: chunked",), b"0\r\n\r\n", b"400"),
        (("Transfer-Encoding: identity",), b"0\r\n\r\n", b"400"),
    ],
    ids=["no size", "longer than it says", "endless line", "chunks in chunks", "chunks in something"],
)
def test_chunks_that_are_none_end_the_connection(
    site: Served, headers: tuple[str, ...], body: bytes, status: bytes
) -> None:
    with site.connect() as client:
        client.sendall(in_chunks(*headers) + body + GET)
        answer = read_all(client)

    assert answer.split(b" ")[1] == status
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(("coding", "status"), [("gzip, chunked", b"411"), ("tea, chunked", b"501")])
def test_other_codings_are_not_taken(site: Served, coding: str, status: bytes) -> None:
    with site.connect() as client:
        client.sendall(in_chunks().replace(b"chunked", coding.encode()) + b"0\r\n\r\n")
        assert read_all(client).split(b" ")[1] == status


def test_length_and_chunks_together_are_refused(site: Served) -> None:
    with site.connect() as client:
        client.sendall(posting(5, "Transfer-Encoding: chunked") + b"0\r\n\r\n" + GET)
        answer = read_all(client)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1


# Too much


def chunks(size: int) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (size, bytes(size))


@pytest.mark.parametrize("asks_first", [False, True], ids=["", "asks first"])
@pytest.mark.parametrize("size", [5 * MEBI, 100 * MEBI], ids=["a little", "far"])
@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunks"])
def test_refusal_of_what_is_too_long_arrives(site: Served, *, is_chunked: bool, size: int, asks_first: bool) -> None:
    headers = ["HX-Request: true", "Accept-Language: en", site.cookie(), *(["Expect: 100-continue"] * asks_first)]
    head = in_chunks(*headers, path="/") if is_chunked else posting(size, *headers, path="/")
    body = chunks(size) if is_chunked else bytes(size)

    with site.connect() as client:
        client.sendall(head)
        go_on = read_until(client, b"HTTP/1.1 100 Continue\r\n\r\n") if asks_first else b""  # more may be behind it
        answer = go_on + read_while_sending(client, body, GET.replace(b"Host", b"Connection: close\r\nHost"))

    assert answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n").startswith(b"HTTP/1.1 413 ")
    assert b"the limit is 4.0 MB" in answer


@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunks"])
def test_client_who_sends_all_before_it_reads_is_told_what_is_too_long(site: Served, *, is_chunked: bool) -> None:
    content = bytes(15 * MEBI)
    pieces = (content[start : start + MEBI] for start in range(0, len(content), MEBI))

    answer = site.sign_in().post(site.address, data=pieces if is_chunked else content, headers={"HX-Request": "true"})

    assert answer.status_code == 413


def test_length_that_is_too_much_is_refused_before_the_body_comes(site: Served) -> None:
    with site.connect() as client:
        client.sendall(posting(30 * MEBI, "HX-Request: true", "Accept-Language: en", site.cookie(), path="/"))
        assert b"weighs 30.0 MB" in read_until(client, b"at once.")


@pytest.mark.parametrize("head", [posting, lambda length, path: in_chunks(path=path)], ids=["length", "chunks"])
@pytest.mark.parametrize(
    ("path", "status", "end"),
    [
        ("/", b"302", b"\r\n\r\n"),
        ("/projects/1/images/upload", b"302", b"\r\n\r\n"),
        (f"/customvision/v3.3/training/projects/{UUID(int=1)}/images", b"401", b"}}"),
    ],
)
def test_stranger_is_refused_before_the_body_comes(
    site: Served, head: Callable[..., bytes], path: str, status: bytes, end: bytes
) -> None:
    with site.connect() as client:
        client.sendall(head(4 * MEBI, path=path))
        assert read_until(client, end).split(b" ")[1] == status


def test_heads_are_answered_without_a_warning(site: Served) -> None:
    for path in ("/healthz", "/accounts/login/", "/static/vendor/bootstrap.min.css", "/no/where"):
        assert int(requests.head(site.address + path, timeout=20).headers["Content-Length"]) > 0

    assert "no-body response" not in site.log.read_text()


@pytest.mark.parametrize("head", [posting(13, "Expect: 100-continue"), in_chunks("Expect: 100-continue")])
def test_client_who_asks_first_is_told_to_go_on(site: Served, head: bytes) -> None:
    with site.connect() as client:
        client.sendall(head.replace(b"Host", b"Connection: close\r\nHost"))
        answer = read_until(client, b"HTTP/1.1 100 Continue\r\n\r\n")  # behind which more may be there already
        client.sendall(b"d\r\nusername=anne\r\n0\r\n\r\n" if b"chunked" in head else b"username=anne")
        assert (answer + read_all(client)).split(b"\r\n\r\n")[1].startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: %s\r\n\r\n" % (b"x" * 10_000), b"431"),
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


# Of several processes


def test_processes_share_the_connections(site: Served) -> None:
    with ExitStack() as stack:
        for _ in range(40):
            client = stack.enter_context(site.connect())
            client.sendall(GET)
            read_until(client, b"ok")
        held = [len(process.net_connections("tcp")) for process in site.process.children()]

    assert min(held) > 2, held  # of 40, and the port itself


def test_photos_of_a_user_are_counted_over_all_processes(site: Served) -> None:
    session = site.sign_in("reviewer")
    fields = {"csrfmiddlewaretoken": token(session.get(f"{site.address}/").text)}
    cookies = session.cookies.get_dict()

    def send(_: int) -> int:
        return requests.post(f"{site.address}/", fields, cookies=cookies, timeout=20).status_code

    with ThreadPoolExecutor(8) as senders:
        statuses = list(senders.map(send, range(30)))

    assert sorted(statuses) == [200] * 12 + [429] * 18


def test_site_ends_when_told_to_whoever_is_connected(site: Served) -> None:
    with many_clients(site, b"", count=4), many_clients(site, GET, count=4):
        assert site.stop() < 10

    log = site.log.read_text()
    assert "Traceback" not in log
    site.start()
