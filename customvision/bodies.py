"""What programs send: JSON, and pictures in each of the ways in which clients send them."""

import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar
from urllib.parse import unquote

from django.http import HttpRequest
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header
from pydantic import BaseModel, ValidationError

from customvision import lenient_json
from customvision.errors import ApiError, invalid
from engine import images

Model = TypeVar("Model", bound=BaseModel)

_MOST_PARTS = 1024
"""That are counted at all; operations take fewer."""
_MOST_SIGNS = 256 * 1024
"""Commas, brackets and quotes in JSON: 64 images with a thousand tags each."""
_LONGEST_TEXT = 16 * 1024 * 1024
"""In JSON, in bytes as it is written: a picture in base64, each of its signs escaped."""
_MOST_READ = 2 * images.TRAINING.max_bytes
"""Of one picture: as much as operations take of which it is the whole body. What is longer is refused by so much."""
_PIECE_BYTES = 64 * 1024
_ENCODED_NAME = re.compile(r"\bfilename\*=utf-8''([^;\s]+)", re.IGNORECASE)
_QUOTED_NAME = re.compile(r'\bfilename="([^"]*)"')
_FORM = re.compile(rb"--([!-~][ -~]{0,69})\r\ncontent-", re.IGNORECASE)
"""How a multipart body begins, with its boundary; no picture does."""
_BARE = {"application/octet-stream", "application/x-www-form-urlencoded", ""}
"""What a body is called that is a picture and nothing else; `curl --data-binary` says the second of its own accord."""


@dataclass(frozen=True)
class Part:
    """One part of a multipart body, or the whole of another."""

    name: str
    """Of the file, as the client sent it, in quotes as the service repeats it; "" if it did not."""
    content: bytes
    field: str = ""
    """Of the form."""


def read_json(request: HttpRequest, model: type[Model]) -> Model:
    """Return the body as that model; no body is an empty object, as SDKs send none where all is optional.

    Its media type counts only if there is one: curl names a foreign one with an empty body. Raises ApiError.
    """
    content = read_body(request)
    if content.startswith(BOM_UTF8):
        del content[: len(BOM_UTF8)]
    media_type = request.content_type or "application/json"
    if content and not media_type.endswith("json"):
        raise _unsupported(media_type)
    _check_lengths(content)
    try:
        return _validated(content or b"{}", model)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        raise invalid(".".join(str(step) for step in first["loc"]) or "The body", first) from exc


def read_body(request: HttpRequest) -> bytearray:
    """Return the whole body; read at once, it would be in memory twice."""
    content = bytearray()
    for piece in _pieces(request):
        content += piece
    return content


def _validated(content: bytes | bytearray, model: type[Model]) -> Model:
    """Return the JSON as that model; what is not strict is read as the service's own reader does."""
    try:
        return model.model_validate_json(content, strict=True)
    except ValidationError as exc:
        is_json = exc.errors(include_url=False, include_input=False)[0]["type"] != "json_invalid"
        strict = None if is_json else lenient_json.to_strict(content)
        if strict is None:
            raise
    return model.model_validate_json(strict, strict=True)


def _check_lengths(content: bytearray) -> None:
    """Raise ApiError for JSON of more or longer values than any operation reads: parsers take 300 bytes for the least.

    Signs within texts are counted too; base64 has none of them.
    """
    signs = sum(content.count(sign) for sign in b',[{"')
    if signs > _MOST_SIGNS:
        sentence = f"The body has {signs} commas, brackets and quotes; at most {_MOST_SIGNS} are accepted."
        raise ApiError("BadRequestExceededBatchSize", sentence)
    start = 0
    while start < len(content):
        end = content.find(b'"', start)
        length = (len(content) if end < 0 else end) - start
        if length > _LONGEST_TEXT:
            sentence = f"A text of the body has {length} bytes; at most {_LONGEST_TEXT} are accepted."
            raise ApiError("BadRequestImageSizeBytes", sentence)
        start += length + 1


def _pieces(request: HttpRequest) -> Iterator[bytes]:
    """Yield the body in pieces."""
    while piece := request.read(_PIECE_BYTES):
        yield piece


def read_pictures(request: HttpRequest) -> list[Part]:
    """Return the pictures of a body: the parts of a form, with file names or without, or the bytes themselves.

    Django's own parser takes a part without a file name for text, and breaks it. A form is one whatever it is called:
    who names a media type by hand takes the place of what the library would have said. Raises ApiError.
    """
    media_type = request.content_type or ""
    is_form = media_type == "multipart/form-data"
    if not (is_form or media_type in _BARE or media_type.startswith("image/")):
        raise _unsupported(media_type)
    start = request.read(_PIECE_BYTES)
    begun = _FORM.match(start)
    if is_form or begun:
        boundary = _named_boundary(request) or (begun[1].decode() if begun else "")
        return _parts(chain([start] if start else [], _pieces(request)), boundary)
    content = start + request.read(_MOST_READ - len(start))
    return [Part("", content)] if content else []


def read_picture(request: HttpRequest) -> bytes:
    """Return the one picture of a body: of a form with several parts, the one that is called so. Raises ApiError."""
    parts = read_pictures(request)
    if not parts:
        raise ApiError("BadRequestImageStream", "The request has no image in its part imageData.")
    return next((part for part in parts if part.field.lower() == "imagedata"), parts[0]).content


def _named_boundary(request: HttpRequest) -> str:
    _kind, options = parse_options_header(request.headers.get("Content-Type", ""))
    return str(options.get("boundary", ""))


def _parts(pieces: Iterable[bytes], boundary: str) -> list[Part]:
    parts: list[Part] = []
    name, field, content = "", "", bytearray()
    try:
        with PushMultipartParser(boundary, max_segment_count=_MOST_PARTS, header_charset="latin-1") as parser:
            for event in chain.from_iterable(map(parser.parse, pieces)):
                if isinstance(event, MultipartSegment):
                    name, field, content = _file_name(event), event.name or "", bytearray()
                elif event is None:
                    parts.append(Part(name, bytes(content), field))
                elif len(content) < _MOST_READ:
                    content += event
    except (MultipartError, ValueError) as exc:
        raise ApiError("BadRequestImageStream", f"The multipart body cannot be read: {exc}.") from exc
    return parts


def _file_name(segment: MultipartSegment) -> str:
    """Return the name in quotes, with its path, of which the parser leaves the last part."""
    header = next((value for name, value in segment.headerlist if name == "Content-Disposition"), "")
    if encoded := _ENCODED_NAME.search(header):
        name = unquote(encoded[1])
    else:
        quoted = _QUOTED_NAME.search(header)
        name = _text(quoted[1] if quoted else segment.filename or "")
    bare = name.replace("\0", "")
    return f'"{bare}"' if bare else ""


def _text(read: str) -> str:
    """Return what was read as Latin-1 as the UTF-8 that it mostly is; older clients send names in Latin-1."""
    try:
        return read.encode("latin-1").decode()
    except UnicodeError:  # or the parser has decoded it by itself
        return read


def _unsupported(media_type: str) -> ApiError:
    sentence = f"The request entity's media type '{media_type}' is not supported for this resource."
    return ApiError("ErrorUnknown", sentence, status=415)
