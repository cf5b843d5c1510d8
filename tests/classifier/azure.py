"""A small HTTP server that answers as Azure Custom Vision was recorded to answer."""

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PROJECT_ID = "e3c7fd20-0c05-4c8c-886d-be4ea92e01c8"

# As the service answered `classify_image_url` on 2020-06-06.
RECORDED = {
    "id": "7b165fa9-182d-4c2e-b308-3c10d06ea080",
    "project": PROJECT_ID,
    "iteration": "c1a8cf6c-048b-412e-9bcb-4be826b81342",
    "created": "2020-06-06T22:00:23.451Z",
    "predictions": [
        {
            "probability": 0.9999961,
            "tagId": "c8de21e2-e5b5-4f6b-8f39-3e67f210376e",
            "tagName": "Tag1",
            "tagType": "Regular",
        },
        {
            "probability": 8.79471951e-13,
            "tagId": "2278ea86-0671-4617-a6cd-06cf056b841f",
            "tagName": "Tag2",
            "tagType": "Regular",
        },
    ],
}


@dataclass(frozen=True)
class RecordedRequest:
    """What the SDK sent."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class RecordedAnswer:
    """What is to be answered."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


def error(status: int, code: str, message: str, *, retry_after: str | None = None) -> RecordedAnswer:
    """Build an error answer of the service's shape."""
    headers = {"Retry-After": retry_after} if retry_after else {}
    return RecordedAnswer(status, {"code": code, "message": message}, headers)


class RecordedAzure:
    """Listens on a free port; gives `answers` in turn, then the recorded prediction."""

    def __init__(self) -> None:
        self.requests: list[RecordedRequest] = []
        self.answers: list[Any] = []
        self.delay_s = 0.0
        azure = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                azure.requests.append(RecordedRequest(self.path, dict(self.headers), body))
                time.sleep(azure.delay_s)
                answer = azure.answers.pop(0) if azure.answers else RecordedAnswer(200, RECORDED)
                content = json.dumps(answer.body).encode()
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(content)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
