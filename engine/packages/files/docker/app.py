"""Answer pictures over HTTP as Custom Vision's containers do."""

import json
import logging
import os
import re
import signal
import socket
import sys
from datetime import UTC, datetime
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from fetching import fetch
from onnxruntime_predict import Model

MAX_BYTES = 4 * 1024 * 1024
MAX_JSON_BYTES = 64 * 1024
SPARE_BYTES = 64 * 1024  # of a form, beside its picture
MAX_LINE = 64 * 1024
LATE_BYTES = 64 * 1024 * 1024  # read of a request that is refused
ADDRESS = re.compile(r"(?:/[^/]+(?:/classify/iterations/.+?)?)?/(image|url)(?:/nostore)?/?", re.IGNORECASE)
CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})\s*(?:;|\r?\n)")
FIELD = re.compile(rb'\bname="?imagedata"?\s*(?:;|\r|$)', re.IGNORECASE)

logger = logging.getLogger("app")


class Refused(Exception):
    """The request is none that can be answered; its status and a sentence."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = 30
    model: Model
    turns: BoundedSemaphore
    allow_private: bool

    def do_GET(self) -> None:
        if self.path == "/":
            self._answer(200, "CustomVision.ai model host harness")
        else:
            self._answer(404, "Not Found")

    def do_POST(self) -> None:
        found = ADDRESS.fullmatch(self.path.partition("?")[0])
        try:
            if found is None:
                raise Refused(404, "Not Found")
            is_picture = found[1].lower() == "image"
            body = self._body(MAX_BYTES + SPARE_BYTES if is_picture else MAX_JSON_BYTES)
        except Refused as exc:
            self.close_connection = True
            self._answer(*exc.args)
            self._let_send()
            return
        self._classify(self._picture if is_picture else self._fetched, body)

    def _classify(self, read: Any, body: bytes) -> None:
        try:
            content = read(body)
            with self.turns:
                said = self.model.predict(content)
        except Refused as exc:
            self._answer(*exc.args)
        except Exception:  # whatever a file may do to a decoder
            logger.exception("Not answered path=%s", self.path)
            self._answer(500, "Error processing image")
        else:
            self._answer(200, told(said))

    def _body(self, limit: int) -> bytes:
        coding, length = self.headers.get("Transfer-Encoding", ""), self.headers.get("Content-Length", "")
        if coding.lower() == "chunked" and not length:
            return self._chunks(limit)
        if coding or not length.isdecimal():
            raise Refused(411, "The request says neither how long it is nor that it comes in chunks.")
        if int(length) > limit:
            raise Refused(413, f"The request has {length} bytes; at most {limit} are accepted.")
        return self.rfile.read(int(length))

    def _chunks(self, limit: int) -> bytes:
        """Return the body that comes in chunks, as clients for JavaScript send it; see RFC 9112, section 7.1."""
        body = bytearray()
        while size := self._chunk_size():
            if len(body) + size > limit:
                raise Refused(413, f"The request has more than {limit} bytes.")
            body += self.rfile.read(size)
            self.rfile.readline(MAX_LINE)
        while self.rfile.readline(MAX_LINE).strip():
            pass  # fields behind the body, of which none is needed
        return bytes(body)

    def _chunk_size(self) -> int:
        found = CHUNK_SIZE.match(self.rfile.readline(MAX_LINE))
        if found is None:
            raise Refused(400, "The request comes in chunks of which one does not say how long it is.")
        return int(found[1], 16)

    def _let_send(self) -> None:
        """Read what still comes of a request that is refused: closed on it, the client would not see the answer."""
        self.connection.shutdown(socket.SHUT_WR)
        left = LATE_BYTES
        while left > 0 and (read := self.rfile.read1(MAX_LINE)):
            left -= len(read)

    def _picture(self, body: bytes) -> bytes:
        about = Message()
        about["Content-Type"] = self.headers.get("Content-Type", "")
        content = body
        if about.get_content_type() == "multipart/form-data":
            content = part(body, str(about.get_param("boundary", "")).encode())
        if len(content) > MAX_BYTES:
            raise Refused(413, f"The picture has {len(content)} bytes; at most {MAX_BYTES} are accepted.")
        return content

    def _fetched(self, body: bytes) -> bytes:
        content: bytes = fetch(json.loads(body)["url"], max_bytes=MAX_BYTES, allow_private=self.allow_private)
        return content

    def _answer(self, status: int, value: str | dict[str, Any]) -> None:
        content = (value if isinstance(value, str) else json.dumps(value)).encode()
        kind = "text/html; charset=utf-8" if isinstance(value, str) else "application/json"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *values: Any) -> None:
        logger.info("%s %s", self.address_string(), format % values)


def part(body: bytes, boundary: bytes) -> bytes:
    """Return what a form has as imageData, be it a file or a field. Raises ValueError."""
    for each in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:]:
        head, gap, content = each.partition(b"\r\n\r\n")
        if gap and FIELD.search(head):
            return content
    raise ValueError("The form has no imageData.")


def told(said: dict[str, float]) -> dict[str, Any]:
    """Return the answer in the service's shape: labels in their own order."""
    predictions = [
        {"tagName": label, "probability": round(probability, 8), "tagId": "", "boundingBox": None}
        for label, probability in said.items()
    ]
    created = datetime.now(UTC).replace(tzinfo=None).isoformat()
    return {"id": "", "project": "", "iteration": "", "created": created, "predictions": predictions}


def make_server(host: str, port: int, *, allow_private: bool) -> ThreadingHTTPServer:
    """Load the model that lies beside this file, and listen."""
    cores = os.cpu_count() or 1
    Handler.model = Model(Path(__file__).with_name("model.onnx"), threads=1)
    Handler.turns = BoundedSemaphore(cores)
    Handler.allow_private = allow_private
    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    return server


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    listening = make_server(
        os.environ.get("HOST", ""),
        int(os.environ.get("PORT", "80")),
        allow_private=os.environ.get("ALLOW_PRIVATE_URLS", "") == "1",
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the first process of a container ignores it otherwise
    logger.info("Listening on port %s", listening.server_port)
    listening.serve_forever()
