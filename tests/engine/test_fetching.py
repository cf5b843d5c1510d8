"""Pictures are fetched from public machines and from listed ones, whatever the address pretends to be."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from engine.fetching import Allowance, NotFetched, TooLong, fetch, pictures
from engine.fetching.public_addresses import is_public
from engine.fetching.special_addresses import IS_GLOBALLY_REACHABLE

MOST = 1000
NOBODY = Allowance([])
HERE = Allowance(["127.0.0.1/32"])
over = threading.Event()


class Site(BaseHTTPRequestHandler):
    """Answers as its paths say."""

    def do_GET(self) -> None:
        action = self.path.strip("/").partition("?")[0].split("/")[0]
        getattr(self, f"do_{action}")()

    def tell(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def do_picture(self) -> None:
        self.tell(200, b"a picture", Content_Length="9")

    def do_echo(self) -> None:
        content = f"{self.path}\n{self.headers['Host']}".encode()
        self.tell(200, content, Content_Length=str(len(content)))

    def do_missing(self) -> None:
        self.tell(404, b"no")

    def do_to(self) -> None:
        self.tell(302, Location=self.path.removeprefix("/to/"))

    def do_hops(self) -> None:
        left = int(self.path.rpartition("/")[2])
        self.tell(301, Location=f"/hops/{left - 1}" if left else "/picture")

    def do_loop(self) -> None:
        self.tell(302, Location="/loop")

    def do_huge(self) -> None:
        self.tell(200, b"x", Content_Length=str(10**12))

    def do_lying(self) -> None:
        self.tell(200, b"x" * (MOST + 500))

    def do_short(self) -> None:
        self.tell(200, b"x", Content_Length="10")

    def do_zipped(self) -> None:
        self.tell(200, b"x" * 10, Content_Encoding="gzip", Content_Length="10")

    def do_endless(self) -> None:
        self.tell(200, Transfer_Encoding="chunked")
        self.drip(b"64\r\n" + b"x" * 100 + b"\r\n", pause_s=0)

    def do_slow(self) -> None:
        self.tell(200, Content_Length="500")
        self.drip(b"x", pause_s=0.02)

    def do_silent(self) -> None:
        self.drip(b"HTTP/1.1 200 OK\r\nX-Slow: ", pause_s=0.02)

    def drip(self, content: bytes, *, pause_s: float) -> None:
        try:
            while not over.wait(pause_s):
                self.wfile.write(content)
        except OSError:
            return  # whoever asked has gone, as expected

    def log_message(self, format: str, *args: Any) -> None:
        return


@contextmanager
def serve(wrap: Callable[[socket.socket], socket.socket] = lambda plain: plain) -> Iterator[str]:
    over.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.socket = wrap(server.socket)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def site() -> Iterator[str]:
    """A server on this machine."""
    with serve() as started:
        yield started


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What names resolve to; each answer once, the last for ever."""
    known: dict[str, list[str]] = {}

    def resolve(host: str, port: int, **options: Any) -> list[Any]:
        answers = known[host]
        address = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in address.split()]

    monkeypatch.setattr(pictures, "getaddrinfo", resolve)
    return known


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "TIME_S", 0.3)


def refusal(url: str, allowance: Allowance = NOBODY) -> NotFetched:
    with pytest.raises(NotFetched) as caught:
        fetch(url, max_bytes=MOST, allowance=allowance)
    return caught.value


def test_picture_comes_from_a_listed_host(site: str) -> None:
    assert fetch(f"http://{site}/picture", max_bytes=9, allowance=HERE) == b"a picture"


def test_listed_name_needs_no_public_address(site: str, names: dict[str, list[str]]) -> None:
    listed = Allowance(["pictures.intranet"])
    names["pictures.intranet"] = names["127.0.0.1"] = ["127.0.0.1"]

    url = f"http://Pictures.Intranet:{site[10:]}/echo/é ü?a=b c"
    content = fetch(url, max_bytes=MOST, allowance=listed)

    assert content == f"/echo/%C3%A9%20%C3%BC?a=b%20c\npictures.intranet:{site[10:]}".encode()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "0.0.0.0",  # noqa: S104
        "[::]",
        "2130706433",
        "0177.0.0.1",
        "0x7f.1",
        "127.1",
        "１２７.0.0.1",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::1]",
        "169.254.169.254",
        "168.63.129.16",
        "10.0.0.1",
        "[fe80::1]",
        "[fd00::1]",
    ],
)
def test_machine_that_is_not_public_is_never_asked(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "create_connection", lambda *_a, **_o: pytest.fail("It was asked."))

    refused = refusal(f"http://{host}/picture")

    assert not isinstance(refused, TooLong)
    assert "not in the public Internet" in str(refused)


@pytest.mark.parametrize("answer", ["10.1.2.3", "93.184.215.14 10.1.2.3", "169.254.169.254"])
def test_name_of_a_machine_that_is_not_public_is_refused(answer: str, names: dict[str, list[str]]) -> None:
    names["innocent.example"] = [answer]

    assert "not in the public Internet" in str(refusal("http://innocent.example/a.jpg"))


def test_name_that_means_another_machine_later_leads_to_the_first(
    names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    names["turncoat.example"] = ["93.184.215.14", "127.0.0.1"]
    asked = []

    def connect(address: tuple[str, int], **options: Any) -> socket.socket:
        asked.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(pictures, "create_connection", connect)

    refusal("http://turncoat.example/a.jpg")

    assert asked == [("93.184.215.14", 80)]


def test_second_address_is_tried_when_the_first_takes_no_connection(site: str, names: dict[str, list[str]]) -> None:
    listed = Allowance(["twofold.example"])
    names["twofold.example"] = ["127.0.0.2 127.0.0.1"]
    names["127.0.0.1"], names["127.0.0.2"] = ["127.0.0.1"], ["127.0.0.2"]

    url = f"http://twofold.example:{site[10:]}/picture"
    assert fetch(url, max_bytes=MOST, allowance=listed) == b"a picture"


def test_public_machine_is_asked_on_the_ports_of_the_web_alone(names: dict[str, list[str]]) -> None:
    names["public.example"] = ["93.184.215.14"]

    assert "port 6379" in str(refusal("http://public.example:6379/"))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("file:///etc/passwd", "http and https"),
        ("gopher://example.org/", "http and https"),
        ("data:image/png;base64,AAAA", "http and https"),
        ("a.jpg", "http and https"),
        ("", "http and https"),
        ("http:///a.jpg", "names no host"),
        ("http://user:pass@example.org/", "password"),
        ("http://example.org\\@127.0.0.1/", "password"),
        ("http://example.org:99999/", "none of the web"),
        ("http://[::1/", "none of the web"),
    ],
)
def test_address_that_is_none_of_the_web_is_refused(url: str, why: str) -> None:
    assert why in str(refusal(url))


def test_redirect_to_a_listed_host_is_followed(site: str) -> None:
    assert fetch(f"http://{site}/to/http://{site}/hops/1", max_bytes=MOST, allowance=HERE) == b"a picture"


def test_fourth_redirect_is_not_followed(site: str) -> None:
    assert fetch(f"http://{site}/hops/2", max_bytes=MOST, allowance=HERE) == b"a picture"
    assert "redirects" in str(refusal(f"http://{site}/hops/3", HERE))
    assert "redirects" in str(refusal(f"http://{site}/loop", HERE))


@pytest.mark.parametrize("place", ["http://localhost/", "http://[::1]/", "http://10.0.0.1/"])
def test_redirect_to_a_machine_that_is_not_public_is_refused(
    place: str, site: str, names: dict[str, list[str]]
) -> None:
    names |= {"127.0.0.1": ["127.0.0.1"], "localhost": ["127.0.0.2"], "::1": ["::1"], "10.0.0.1": ["10.0.0.1"]}

    assert "not in the public Internet" in str(refusal(f"http://{site}/to/{place}", HERE))


def test_redirect_to_a_file_is_refused(site: str) -> None:
    assert "http and https" in str(refusal(f"http://{site}/to/file:///etc/passwd", HERE))


@pytest.mark.parametrize("path", ["huge", "lying", "endless"])
def test_content_is_read_no_further_than_the_limit(path: str, site: str) -> None:
    assert isinstance(refusal(f"http://{site}/{path}", HERE), TooLong)


@pytest.mark.parametrize("path", ["slow", "silent"])
def test_bytes_that_drip_are_waited_for_no_longer_than_the_time_limit(path: str, site: str, hurried: None) -> None:
    assert "did not answer within 0.3 seconds" in str(refusal(f"http://{site}/{path}", HERE))


def test_resolver_is_waited_for_no_longer_than_the_time_limit(hurried: None, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    monkeypatch.setattr(pictures, "getaddrinfo", lambda *_a, **_o: answered.wait(30) and [])

    assert "did not answer within 0.3 seconds" in str(refusal("http://slow.example/"))
    answered.set()


@pytest.mark.parametrize(("path", "why"), [("missing", "answered 404"), ("zipped", "compressed"), ("short", "ended")])
def test_answer_that_is_no_content_is_refused(path: str, why: str, site: str) -> None:
    assert why in str(refusal(f"http://{site}/{path}", HERE))


def test_machine_that_does_not_listen_is_told_of() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))

        assert "cannot be reached" in str(refusal(f"http://127.0.0.1:{silent.getsockname()[1]}/", HERE))


def test_name_that_nobody_knows_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: Any, **_options: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(pictures, "getaddrinfo", unknown)

    assert "cannot be reached" in str(refusal("http://nobody.example/"))


def test_proxies_of_the_environment_are_not_used(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    assert fetch(f"http://{site}/picture", max_bytes=MOST, allowance=HERE) == b"a picture"


def test_certificate_must_be_of_the_name_that_was_asked_for(
    names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names |= {name: ["127.0.0.1"] for name in ("127.0.0.1", "pictures.example", "others.example")}
    server, trust = certify(tmp_path / "both.pem", name="pictures.example")
    with serve(lambda plain: server.wrap_socket(plain, server_side=True)) as site:
        port = site[10:]

        assert "cannot be reached" in str(
            refusal(f"https://pictures.example:{port}/echo", HERE)
        )  # nobody vouches for it
        monkeypatch.setattr(pictures, "_tls", lambda: trust)
        content = fetch(f"https://pictures.example:{port}/echo", max_bytes=MOST, allowance=HERE)
        assert content == f"/echo\npictures.example:{port}".encode()
        assert "cannot be reached" in str(refusal(f"https://others.example:{port}/echo", HERE))
        monkeypatch.setattr(pictures, "TIME_S", 0.3)
        assert "did not answer within 0.3 seconds" in str(refusal(f"https://pictures.example:{port}/slow", HERE))


def certify(path: Path, *, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return what the server of that name shows, and what trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), 1, now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(secret + certificate.public_bytes(pem))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cadata=certificate.public_bytes(pem).decode())


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("64:ff9b::5db8:d70e", True),
        ("64:ff9b::a00:1", False),
        ("::ffff:93.184.215.14", True),
        ("::127.0.0.1", False),
        ("2002:5db8:d70e::1", False),
        ("2001:0:1::1", False),
        ("64:ff9b:1::1", False),
        ("224.0.0.1", False),
        ("ff02::1", False),
        ("100.64.0.1", False),
        ("192.0.2.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("fec0::1", False),
        ("fe80::1%eth0", False),
        ("168.63.129.16", False),
        ("::ffff:168.63.129.16", False),
        ("::ffff:192.168.0.1", False),
    ],
)
def test_public_addresses_are_told_from_others(address: str, public: bool) -> None:
    assert is_public(ip_address(address)) is public


@pytest.mark.parametrize(("block", "reachable"), IS_GLOBALLY_REACHABLE.items())
def test_each_special_block_is_as_public_as_the_registry_says(block: str, reachable: bool) -> None:
    network = ip_network(block)
    within = [ip_network(other) for other in IS_GLOBALLY_REACHABLE if other != block]
    exceptions = [other for other in within if other.version == network.version and other.subnet_of(network)]  # type: ignore[arg-type]
    ends = [address for address in (network[0], network[-1]) if not any(address in other for other in exceptions)]

    # What is translated is as public as the IPv4 address in it, 0.0.0.0 and 255.255.255.255 here.
    assert {is_public(address) for address in ends} <= {reachable and block != "64:ff9b::/96"}


def test_neighbours_of_special_blocks_are_public() -> None:
    neighbours = (
        "9.255.255.255",
        "11.0.0.0",
        "100.128.0.0",
        "192.88.98.255",
        "192.88.100.0",
        "2001:200::",
        "3fff:1000::",
    )

    assert all(is_public(ip_address(address)) for address in neighbours)
