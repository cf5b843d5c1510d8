"""Where a picture is, as programs say it: in each media type that the service's description names."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl
from xml.etree.ElementTree import ParseError, TreeBuilder, XMLParser

from django.http import HttpRequest

from customvision.bodies import read_body, read_json
from customvision.errors import ApiError
from customvision.schemas.predictions import ImageUrl

_XML = ("application/xml", "text/xml")
_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 64
_NOT_IN_XML = "The XML has no element Url; <ImageUrl><Url>https://…</Url></ImageUrl> is accepted."
_NOT_IN_FORM = "The form has no field url; url=https%3A%2F%2F… is accepted."


def read_image_url(request: HttpRequest) -> str:
    """Return the address that the body names. Raises ApiError."""
    if request.content_type in _XML:
        return _url(_fields_of_xml(read_body(request)), otherwise=_NOT_IN_XML)
    if request.content_type == _FORM:
        return _url(_fields_of_form(read_body(request)), otherwise=_NOT_IN_FORM)
    return read_json(request, ImageUrl).url


def _url(fields: Mapping[str, str], *, otherwise: str) -> str:
    if "url" not in fields:
        raise ApiError("BadRequest", otherwise)
    return fields["url"]


def _fields_of_form(content: bytes | bytearray) -> dict[str, str]:
    try:
        pairs = parse_qsl(content.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as exc:
        raise ApiError("BadRequest", f"The form cannot be read: {exc}.") from exc
    return {name.lower(): value for name, value in pairs}


def _fields_of_xml(content: bytes | bytearray) -> dict[str, str]:
    """Return the texts of its elements by their names, without namespaces: programs declare Microsoft's, or none."""
    parser = XMLParser(target=_WithoutDoctype())  # noqa: S314  # entities are what is feared, and there are none
    try:
        parser.feed(content)
        root = parser.close()
    except (ParseError, ValueError) as exc:
        raise ApiError("BadRequest", f"The XML cannot be read: {exc}.") from exc
    return {element.tag.rpartition("}")[2].lower(): (element.text or "").strip() for element in root.iter()}


class _WithoutDoctype(TreeBuilder):
    """Refuses what declares entities, which may be as long as they like once they stand for one another."""

    def doctype(self, *_declared: Any) -> None:
        raise ValueError("a document type is not read")
