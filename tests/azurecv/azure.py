"""A small HTTP server that answers as Azure Custom Vision was recorded to answer."""

import json
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

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

    method: str
    path: str
    """With its query."""
    headers: dict[str, str]
    body: bytes

    @property
    def route(self) -> tuple[str, str]:
        """Method and path within the service, without its query."""
        return self.method, re.sub(r"^/+customvision/[^/]+/(training|prediction)", "", urlsplit(self.path).path)

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.path).query))

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True)
class RecordedAnswer:
    """What is to be answered."""

    status: int
    body: Any = None
    """None: nothing at all."""
    headers: dict[str, str] = field(default_factory=dict)


Answer = RecordedAnswer | Callable[[RecordedRequest], RecordedAnswer]


def error(status: int, code: str, message: str, *, retry_after: str | None = None) -> RecordedAnswer:
    """Build an error answer of the service's shape."""
    headers = {"Retry-After": retry_after} if retry_after else {}
    return RecordedAnswer(status, {"code": code, "message": message}, headers)


class RecordedAzure:
    """Listens on a free port; gives `answers` in turn, then those of the route, then the recorded prediction."""

    def __init__(self) -> None:
        self.requests: list[RecordedRequest] = []
        self.answers: list[Any] = []
        self.delay_s = 0.0
        self._routes: dict[tuple[str, str], list[Answer]] = {}
        azure = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = RecordedRequest(self.command, self.path, dict(self.headers), body)
                azure.requests.append(request)
                time.sleep(azure.delay_s)
                answer = azure._answer(request)
                content = b"" if answer.body is None else json.dumps(answer.body).encode()
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(content)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                with suppress(ConnectionError):  # who has waited for too long has left
                    self.end_headers()
                    self.wfile.write(content)

            do_GET = do_DELETE = do_POST  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def on(self, method: str, path: str, *answers: Answer) -> None:
        """Answer so from now on at that path within the service: each in turn, the last one for ever."""
        self._routes[method, path] = list(answers)

    def sent(self, method: str, path: str) -> list[RecordedRequest]:
        """Return the requests to that path within the service, the first one first."""
        return [request for request in self.requests if request.route == (method, path)]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: RecordedRequest) -> RecordedAnswer:
        if self.answers:
            first: RecordedAnswer = self.answers.pop(0)
            return first
        answers = self._routes.get(request.route)
        if answers:
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            return answer if isinstance(answer, RecordedAnswer) else answer(request)
        if "/prediction/" in request.path:
            return RecordedAnswer(200, RECORDED)
        return error(404, "NotFound", "Nothing was recorded here")
