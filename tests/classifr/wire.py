"""Requests and answers byte by byte, as badly behaved clients send and read them."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from tests.classifr.serving import Served

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def posting(length: int, *headers: str, path: str = "/accounts/login/") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {length}", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def in_chunks(*headers: str, path: str = "/accounts/login/") -> bytes:
    return posting(0, "Transfer-Encoding: chunked", *headers, path=path).replace(b"Content-Length: 0\r\n", b"")


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


def read_while_sending(client: socket.socket, *parts: bytes) -> bytes:
    """Send as long as it is taken, and return all that comes."""

    def send() -> None:
        try:
            for part in parts:
                client.sendall(part)
        except OSError:
            pass  # it is refused

    sender = threading.Thread(target=send)
    sender.start()
    received = read_all(client)
    sender.join()
    return received


@contextmanager
def many_clients(site: Served, beginning: bytes, *, count: int) -> Iterator[Sequence[socket.socket]]:
    with ExitStack() as stack:
        clients = [stack.enter_context(site.connect()) for _ in range(count)]
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
