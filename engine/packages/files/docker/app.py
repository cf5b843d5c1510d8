"""Answer pictures over HTTP as Custom Vision's containers do, and refuse the others as the server does."""

import json
import logging
import os
import re
import signal
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, BinaryIO
from wsgiref.types import StartResponse, WSGIEnvironment

import waitress
from multipart import MultipartParser, parse_options_header
from onnxruntime_predict import Model

from engine import images
from engine.exceptions import RefusedPicture
from engine.fetching import Allowance, NotFetched, TooLong, fetch

ADDRESS = re.compile(r"(?:/[^/]+(?:/classify/iterations/.+?)?)?/(image|url)(?:/nostore)?/?", re.IGNORECASE)
MEBI = 1024 * 1024
TAKEN_BYTES = 4 * images.PREDICTION.max_bytes
"""Of any body, before it is refused: a client that is cut off would not see why."""
ANYWHERE = Allowance(["0.0.0.0/0", "::/0"])
PUBLIC_ALONE = Allowance([])

logger = logging.getLogger("app")


class Refused(Exception):
    """The request is none that can be answered."""

    def __init__(self, code: str, sentence: str, *, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(sentence)
        self.code, self.status = code, status


class Application:
    """What waitress calls, from several threads at a time."""

    def __init__(self, model: Model, *, at_a_time: int, allowance: Allowance) -> None:
        """Take a model; at_a_time: predictions, each of which keeps a core busy; allowance: hosts to fetch from."""
        self.model = model
        self.turns = BoundedSemaphore(at_a_time)
        self.allowance = allowance

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            status, answer = HTTPStatus.OK, self._answer(environ)
        except Refused as exc:
            status, answer = exc.status, {"code": exc.code, "message": str(exc)}
        except Exception:
            logger.exception("Not answered")
            sentence = "Something went wrong that nobody thought of; the log says more."
            status, answer = HTTPStatus.INTERNAL_SERVER_ERROR, {"code": "ErrorUnknown", "message": sentence}
        content = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        kind = "text/html; charset=utf-8" if isinstance(answer, str) else "application/json"
        start_response(f"{status} {status.phrase}", [("Content-Type", kind), ("Content-Length", str(len(content)))])
        logger.info("%s %r %s", environ["REQUEST_METHOD"], environ["PATH_INFO"], status)
        return [content]

    def _answer(self, environ: WSGIEnvironment) -> str | dict[str, Any]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if (method, path) == ("GET", "/"):
            return "CustomVision.ai model host harness"
        match = ADDRESS.fullmatch(path)
        if method != "POST" or match is None:
            raise Refused("NotFound", "There is nothing at this address.", status=HTTPStatus.NOT_FOUND)
        content = sent(environ) if match[1].lower() == "image" else linked(environ, self.allowance)
        with self.turns:
            return in_the_services_shape(self._classify(content))

    def _classify(self, content: bytes) -> dict[str, float]:
        try:
            photo = images.admit(content, limits=images.PREDICTION)
            image = images.decode(photo, shorter_side=self.model.resize)
        except RefusedPicture as exc:
            raise Refused(exc.reason.code, str(exc)) from exc
        probabilities: dict[str, float] = self.model.probabilities(image)
        return probabilities


def sent(environ: WSGIEnvironment) -> bytes:
    """Return the body, or what a form has as imageData, be it a file or a field. Raises Refused."""
    body = body_of(environ, max_bytes=images.PREDICTION.max_bytes, leeway=images.PREDICTION.max_bytes)
    media_type, options = parse_options_header(environ.get("CONTENT_TYPE", ""))
    content = of_form(body, options.get("boundary", "")) if media_type == "multipart/form-data" else body.read()
    if not content:
        raise Refused("BadRequestImageStream", "The request has no image in its part imageData.")
    return bytes(content)


def body_of(environ: WSGIEnvironment, *, max_bytes: int, leeway: int) -> BinaryIO:
    """Return the body, to be read. Raises Refused, as the server does, for one that is longer than both together."""
    size = int(environ.get("CONTENT_LENGTH") or 0)
    if size > max_bytes + leeway:
        sentence = f"The body weighs {size / MEBI:.1f} MB; at most {max_bytes / MEBI:.1f} MB are accepted here."
        raise Refused("BadRequestImageSizeBytes", sentence, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    body: BinaryIO = environ["wsgi.input"]
    return body


def of_form(body: BinaryIO, boundary: str) -> bytes | None:
    try:
        parts = MultipartParser(body, boundary, charset="latin-1", spool_limit=TAKEN_BYTES).parts()
    except ValueError as exc:
        raise Refused("BadRequestImageStream", f"The multipart body cannot be read: {exc}.") from exc
    return next((part.raw for part in parts if (part.name or "").lower() == "imagedata"), None)


def linked(environ: WSGIEnvironment, allowance: Allowance) -> bytes:
    """Return what is at the address that the body names. Raises Refused."""
    try:
        return fetch(url_in(environ), max_bytes=images.PREDICTION.max_bytes, allowance=allowance)
    except NotFetched as exc:
        code = "BadRequestImageSizeBytes" if isinstance(exc, TooLong) else "BadRequestImageUrl"
        raise Refused(code, str(exc)) from exc


def url_in(environ: WSGIEnvironment) -> str:
    try:
        match json.load(body_of(environ, max_bytes=MEBI, leeway=MEBI // 2)):
            case {"url": str(url)}:
                return url
            case _:
                raise ValueError("It is another kind of JSON.")
    except (ValueError, RecursionError) as exc:
        raise Refused("BadRequest", "The body is not a JSON object with a url.") from exc


def in_the_services_shape(probabilities: dict[str, float]) -> dict[str, Any]:
    """Return the answer as the service's containers give it: labels in their own order."""
    predictions = [
        {"tagName": label, "probability": round(probability, 8), "tagId": "", "boundingBox": None}
        for label, probability in probabilities.items()
    ]
    created = datetime.now(UTC).replace(tzinfo=None).isoformat()
    return {"id": "", "project": "", "iteration": "", "created": created, "predictions": predictions}


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the first process of a container ignores it otherwise
    cores = os.cpu_count() or 1
    waitress.serve(
        Application(
            Model(Path(__file__).with_name("model.onnx"), threads=1),
            at_a_time=cores,
            allowance=ANYWHERE if os.environ.get("ALLOW_PRIVATE_URLS", "") == "1" else PUBLIC_ALONE,
        ),
        host=os.environ.get("HOST", "0.0.0.0"),  # noqa: S104  # a container is reached by what is published of it
        port=os.environ.get("PORT", "80"),
        threads=4 * cores,  # most of which wait for a turn, or for another server
        channel_timeout=30,
        max_request_body_size=TAKEN_BYTES,
    )


if __name__ == "__main__":
    main()
