"""The OpenAPI document of the API: what django-ninja finds in the signatures, and what it cannot find there.

That is the bodies that we read ourselves, the errors, and how lists and names are written in addresses.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar, cast

from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, get_script_prefix
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.utils import contribute_operation_callback
from pydantic import BaseModel
from pydantic.alias_generators import to_camel, to_pascal
from pydantic.json_schema import models_json_schema

from customvision.errors import too_big
from web.takes import FORM_BYTES, SMALL_BODY_BYTES, Admission, Takes, limited_to, taken_by

View = TypeVar("View", bound=Callable[..., Any])

_REFERENCE = "#/components/schemas/{model}"
_bodies: dict[Callable[..., Any], type[BaseModel]] = {}
"""What an operation reads as JSON."""

_TEXTS = {"code": {"type": "string"}, "message": {"type": "string"}}
_ERROR = {"type": "object", "properties": _TEXTS, "required": ["code", "message"]}
_ACCESS_DENIED = {"type": "object", "properties": {"error": _ERROR}, "required": ["error"]}
_RESPONSES = {
    "401": ("The key is missing, unknown, expired, revoked, or for something else.", "AccessDenied"),
    "4XX": ("The request cannot be done as it stands.", "CustomVisionError"),
    "5XX": ("The server cannot answer now.", "CustomVisionError"),
}


def takes(
    model: type[BaseModel], *, max_bytes: int = SMALL_BODY_BYTES, leeway: int = FORM_BYTES
) -> Callable[[View], View]:
    """Describe the JSON body of an operation, which the operation reads by `bodies.read_json`."""
    reference = {"schema": {"$ref": _REFERENCE.format(model=model.__name__)}}
    required = any(field.is_required() for field in model.model_fields.values())
    described = _described({"content": {"application/json": reference}, "required": required}, Takes(max_bytes, leeway))

    def decorate(view: View) -> View:
        _bodies[view] = model
        return described(view)

    return decorate


def takes_picture(*, max_bytes: int) -> Callable[[View], View]:
    """Describe the body of an operation that reads one picture by `bodies.read_picture`.

    One up to twice too heavy is read, as programs know the refusal of a picture and not that of a body.
    """
    return takes_pictures(max_bytes=max_bytes, leeway=max_bytes)


def takes_pictures(*, max_bytes: int, leeway: int = FORM_BYTES) -> Callable[[View], View]:
    """Describe the body of an operation that reads pictures by `bodies.read_pictures`."""
    part = {
        "type": "object",
        "description": "Each part is a picture, whatever its name.",
        "properties": {"imageData": {"type": "string", "format": "binary"}},
    }
    content = {
        "multipart/form-data": {"schema": part},
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
    }
    return _described({"content": content, "required": True}, Takes(max_bytes, leeway))


def _described(body: dict[str, Any], limit: Takes) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        def contribute(operation: Any) -> None:
            operation.openapi_extra = {"requestBody": body}

        contribute_operation_callback(view, contribute)
        return limited_to(limit)(view)

    return decorate


class DescribedAPI(NinjaAPI):
    """An API whose document has our bodies and our errors."""

    def get_openapi_operation_id(self, operation: Any) -> str:
        return to_pascal(str(operation.view_func.__name__))

    def url_patterns(self, *, admits: Admission) -> list[URLPattern]:
        """Return the addresses, whose views know how much may be posted to them, and by whom."""
        patterns = cast("list[URLPattern]", self.urls[0])
        limits: dict[str, list[Takes]] = defaultdict(list)
        for pattern, operation in zip(patterns, self._operations(), strict=False):  # the last pattern is ninja's own
            limits[str(pattern.pattern)].append(taken_by(operation.view_func))
        for pattern in patterns:
            limit = max(
                limits[str(pattern.pattern)], key=lambda takes: takes.body_bytes, default=taken_by(pattern.callback)
            )
            limited_to(replace(limit, words=too_big, admits=admits))(pattern.callback)
        return patterns

    def describe(self, request: HttpRequest, base: str) -> JsonResponse:
        """Answer with the document, for the server as the request calls it; base: the path before the operations'."""
        server = {"url": request.build_absolute_uri(get_script_prefix() + base.removeprefix("/"))}
        return JsonResponse({**self._document, "servers": [server]})

    @cached_property
    def _document(self) -> dict[str, Any]:
        for operation in self._operations():
            operation.by_alias = True
        return dict(self.get_openapi_schema(path_prefix=""))

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        read = {_bodies[operation.view_func] for operation in self._operations() if operation.view_func in _bodies}
        _keys, described = models_json_schema([(model, "validation") for model in read], ref_template=_REFERENCE)
        errors = {"CustomVisionError": _ERROR, "AccessDenied": _ACCESS_DENIED}
        schema["components"]["schemas"] |= described.get("$defs", {}) | errors
        schema["paths"] = {_camel(path): operations for path, operations in schema["paths"].items()}
        for operations in schema["paths"].values():
            for operation in operations.values():
                _complete(operation)
        return schema

    def _operations(self) -> Iterator[Any]:
        for router in self._get_bound_routers():
            for view in router.path_operations.values():
                yield from view.operations


def _complete(operation: dict[str, Any]) -> None:
    """Add how parameters are written, and the errors."""
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            parameter["name"] = to_camel(parameter["name"])
        if parameter["in"] == "query" and _is_list(parameter["schema"]):
            parameter |= {"style": "form", "explode": False}
    operation["responses"] |= {
        status: {
            "description": sentence,
            "content": {"application/json": {"schema": {"$ref": _REFERENCE.format(model=model)}}},
        }
        for status, (sentence, model) in _RESPONSES.items()
    }


def _is_list(schema: dict[str, Any]) -> bool:
    return any(part.get("type") == "array" for part in (schema, *schema.get("anyOf", ())))


def _camel(path: str) -> str:
    """Name what is in braces as the protocol's own documents do."""
    return re.sub(r"\{(\w+)\}", lambda match: f"{{{to_camel(match[1])}}}", path)
