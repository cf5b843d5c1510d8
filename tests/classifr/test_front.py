"""What nginx gives a server on the internet, with the configuration that we ship: slow clients, limits, TLS."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from uuid import UUID

import pytest
import requests

from tests import factories
from tests.classifr.front import Front, fronted
from tests.classifr.serving import PASSWORD, Served, served
from tests.classifr.wire import GET, dripping, in_chunks, many_clients, posting, read_all, read_until
from tests.customvision.clients.whole_site import make_key
from tests.limits import body_limit_of

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("front")]

MEBI = 1024 * 1024
MANY = 60
"""More than the eight threads of the site, and fewer than a network may have."""
MOST_OF_A_NETWORK = 100
STYLES = b"GET /static/vendor/bootstrap.min.css HTTP/1.1\r\nHost: localhost\r\n\r\n"
PREDICT = "/customvision/v3.0/Prediction/00000000-0000-0000-0000-000000000000/classify/iterations/live/image"


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("front")
    environment = {"CLASSIFR_HTTPS": "true", "CLASSIFR_PROXIES": "1", "CLASSIFR_REVIEWER_PASSWORD": PASSWORD}
    Served(folder / "var", folder / "log", **environment).prepare()
    with served(folder / "var", folder / "log", **environment) as site, fronted(site, folder) as made:
        yield made


@pytest.fixture(scope="module")
def key(front: Front) -> str:
    return make_key(front.site)


def curl(front: Front, *words: str, stdin: bytes = b"") -> str:
    ways = ["--silent", "--show-error", "--verbose", "--stderr", "-", "--max-time", "60"]
    command = ["curl", *ways, "--cacert", str(front.certificate), *words]
    done = subprocess.run(command, input=stdin, check=True, capture_output=True)
    return done.stdout.decode(errors="replace")


# Slow clients


@pytest.mark.parametrize(
    "beginning",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        posting(100_000),
        in_chunks() + b"10000\r\n",
        b"",
        100 * STYLES,
    ],
    ids=["headers", "bodies", "chunks", "nothing", "not reading"],
)
def test_sixty_slow_clients_slow_nobody(front: Front, beginning: bytes) -> None:
    session = front.sign_in()
    with many_clients(front, beginning, count=MANY) as clients, dripping(clients):
        started = time.monotonic()
        answer = front.send_photo(session, factories.make_photo())
        took_s = time.monotonic() - started

    assert "/predictions/" in answer.url
    assert took_s < 15  # the slow ones take much longer


def test_who_does_not_end_the_headers_is_sent_away(front: Front) -> None:
    with many_clients(front, b"GET / HTTP/1.1\r\n", count=3) as clients, dripping(clients):
        ends = [read_all(client) for client in clients]

    assert {end.split(b"\r\n")[0] for end in ends} <= {b"HTTP/1.1 408 Request Time-out", b""}


def test_who_says_nothing_within_a_body_is_sent_away(front: Front) -> None:
    with front.connect() as client:
        client.sendall(posting(100_000))
        assert read_all(client).split(b" ")[1:2] in ([], [b"408"])


def test_one_network_may_have_so_many_requests_at_once(front: Front) -> None:
    with ExitStack() as stack:
        for _ in range(MOST_OF_A_NETWORK):
            stack.enter_context(front.connect("127.0.0.2")).sendall(posting(1000))
        time.sleep(1)  # for nginx to have read them
        with (
            front.connect("127.0.0.2") as one_more,
            front.connect("127.0.0.2") as program,
            front.connect("127.0.0.3") as of_another,
        ):
            one_more.sendall(GET)
            program.sendall(GET.replace(b"/healthz", b"/customvision/"))
            of_another.sendall(GET)
            refused, answered = read_until(one_more, b"</html>"), read_until(of_another, b"\r\n\r\nok")
            told = read_until(program, b"}")

    assert refused.startswith(b"HTTP/1.1 429 ")
    assert told.startswith(b"HTTP/1.1 429 ")
    assert json.loads(told.partition(b"\r\n\r\n")[2])["code"] == "429"
    assert answered.startswith(b"HTTP/1.1 200 ")


def test_site_ends_at_once_whoever_is_slow(front: Front) -> None:
    with (
        many_clients(front, b"GET / HTTP/1.1\r\n", count=MANY),
        many_clients(front, posting(100_000), count=30),
    ):
        assert front.site.stop() < 10

    assert "SIGKILL" not in front.site.log.read_text()
    front.site.start()


# What may be posted, and by whom


def test_whole_photo_comes_through(front: Front) -> None:
    photo = factories.make_photo(size=(2000, 1500)) + bytes(4 * MEBI - 400_000)

    assert "/predictions/" in front.send_photo(front.sign_in(), photo).url


@pytest.mark.parametrize("words", [["-H", "Expect: 100-continue"], ["-H", "Expect:"]], ids=["asks first", ""])
@pytest.mark.parametrize("mebibytes", [5, 100])
def test_photo_that_is_too_big_is_refused_in_our_words(front: Front, mebibytes: int, words: list[str]) -> None:
    words = [*words, "-H", front.cookie(), "-H", "Accept-Language: en", "-F", "photo=@-"]
    answer = curl(front, *words, f"{front.address}/", stdin=bytes(mebibytes * MEBI))

    assert "HTTP/1.1 413" in answer
    assert f"weighs {mebibytes}.0 MB; the limit is 4.0 MB" in answer
    assert "100 Continue" not in answer


def test_length_that_is_a_byte_too_much_is_refused_before_the_body_comes(front: Front) -> None:
    size = body_limit_of("/") + 1
    headers = ("HX-Request: true", "Accept-Language: en", front.cookie())
    with front.connect() as client:
        client.sendall(posting(size, *headers, path="/") + bytes(size // 2))
        assert b"weighs 4.5 MB" in read_until(client, b"at once.")


def test_form_that_is_too_big_is_refused_in_our_words(front: Front) -> None:
    answer = front.session().post(f"{front.address}/accounts/login/", bytes(2 * MEBI), headers={"HX-Request": "true"})

    assert answer.status_code == 413
    assert "2,0" in answer.text


def test_picture_that_is_too_big_is_refused_in_the_shape_of_the_api(front: Front, key: str) -> None:
    for mebibytes in (9, 200):
        answer = curl(
            front,
            "-H",
            f"Prediction-Key: {key}",
            "--data-binary",
            "@-",
            front.address + PREDICT,
            stdin=bytes(mebibytes * MEBI),
        )
        assert "HTTP/1.1 413" in answer
        assert '"BadRequestImageSizeBytes"' in answer


@pytest.mark.parametrize("way", [["-X", "POST", "-T", "-"], ["-F", "imageData=@-", "-H", "Transfer-Encoding: chunked"]])
def test_more_than_may_ever_come_in_chunks_is_refused(front: Front, key: str, way: list[str]) -> None:
    answer = curl(front, *way, "-H", f"Prediction-Key: {key}", front.address + PREDICT, stdin=bytes(130 * MEBI))

    assert "HTTP/1.1 413" in answer
    assert '{"code": "BadRequestImageSizeBytes", "message": "The body is too long: at most 128 MB' in answer


@pytest.mark.parametrize("path", ["/", "/projects/1/images/upload"])
def test_stranger_is_sent_to_sign_in_before_the_body_comes(front: Front, path: str) -> None:
    with front.connect() as client:
        client.sendall(posting(4 * MEBI, path=path))
        answer = read_until(client, b"\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 302 ")
    assert b"Location: /accounts/login/?next=" in answer


@pytest.mark.parametrize("name", ["Prediction-Key", "Training-Key", "Other"])
def test_unknown_key_is_refused_before_the_body_comes(front: Front, name: str) -> None:
    with front.connect() as client:
        client.sendall(posting(4 * MEBI, f"{name}: cfr_0000", path=PREDICT))
        answer = read_until(client, b"}}")

    assert answer.startswith(b"HTTP/1.1 401 Access Denied")


def test_key_of_another_project_is_refused_before_the_body_comes(front: Front) -> None:
    key = make_key(front.site, project_uid=UUID(int=1))
    with front.connect() as client:
        client.sendall(posting(4 * MEBI, f"Prediction-Key: {key}", path=PREDICT))
        answer = read_until(client, b"}")

    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b'"NotFoundProject"' in answer


def test_known_key_reaches_its_operation(front: Front, key: str) -> None:
    answer = front.session().post(front.address + PREDICT, bytes(5 * MEBI), headers={"Prediction-Key": key})

    assert (answer.status_code, answer.json()["code"]) == (404, "NotFoundProject")


def test_nobody_outside_asks_who_may_send(front: Front) -> None:
    assert front.sign_in().get(f"{front.address}/may-send").status_code == 404


# The rest


def test_http_leads_to_https(front: Front) -> None:
    answer = requests.get(f"http://127.0.0.1:{front.http_port}/jobs/?page=2", allow_redirects=False, timeout=20)

    assert (answer.status_code, answer.headers["Location"]) == (301, "https://127.0.0.1/jobs/?page=2")


def test_address_is_what_nginx_saw(front: Front) -> None:
    headers = {"X-Forwarded-For": "6.6.6.6", "X-Request-ID": "given-by-who-asks"}
    answer = front.session().get(f"{front.address}/healthz", headers=headers)

    [line] = [line for line in front.site.log.read_text().splitlines() if answer.headers["X-Request-ID"] in line]
    assert "given-by-who-asks" not in line
    assert "address=127.0.0.1" in line


def test_address_may_name_hundreds_of_ids(front: Front) -> None:
    answer = front.session().get(f"{front.address}/healthz", params={"ids": ",".join(["0" * 36] * 500)})

    assert answer.text == "ok"


def test_address_without_end_is_refused(front: Front) -> None:
    assert front.session().get(f"{front.address}/healthz", params={"name": "a" * 70_000}).status_code == 414


def test_sites_that_are_away_cost_no_more_than_their_answers(front: Front) -> None:
    front.site.stop()
    with many_clients(front, GET, count=3) as clients:
        assert {read_until(client, b"</html>").split(b" ")[1] for client in clients} == {b"502"}
        programs = [front.session().request(method, front.address + PREDICT) for method in ("GET", "POST")]
    front.site.start()

    assert [(each.status_code, each.json()["code"]) for each in programs] == 2 * [
        (502, "ErrorPredictionServiceUnavailable")
    ]
    assert front.session().get(f"{front.address}/healthz").text == "ok"
