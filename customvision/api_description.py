"""The OpenAPI document of the API: what django-ninja finds in the signatures, and the bodies that we read ourselves."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from django.urls import URLPattern
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.utils import contribute_operation_callback
from pydantic import BaseModel
from pydantic.alias_generators import to_pascal
from pydantic.json_schema import models_json_schema

from accounts.limits import FORM_BYTES, SMALL_BODY_BYTES
from customvision.errors import too_big

View = TypeVar("View", bound=Callable[..., Any])

_REFERENCE = "#/components/schemas/{model}"
_bodies: set[type[BaseModel]] = set()
_limits: dict[str, tuple[int, int]] = {}
"""Most bytes of a body, and how many more are read so as to refuse them, by the operation's name."""


def takes(
    model: type[BaseModel], *, required: bool = True, max_bytes: int = SMALL_BODY_BYTES
) -> Callable[[View], View]:
    """Describe the JSON body of an operation, which the operation reads by `bodies.read_json`."""
    _bodies.add(model)
    reference = {"schema": {"$ref": _REFERENCE.format(model=model.__name__)}}
    return _described({"content": {"application/json": reference}, "required": required}, max_bytes)


def takes_picture(*, max_bytes: int) -> Callable[[View], View]:
    """Describe the body of an operation that reads one picture by `bodies.read_picture`.

    One up to twice too heavy is read, as programs know the refusal of a picture and not that of a body.
    """
    return takes_pictures(max_bytes=max_bytes, leeway_bytes=max_bytes)


def takes_pictures(*, max_bytes: int, leeway_bytes: int = FORM_BYTES) -> Callable[[View], View]:
    """Describe the body of an operation that reads pictures by `bodies.read_pictures`."""
    part = {
        "type": "object",
        "properties": {"imageData": {"type": "string", "format": "binary"}},
        "required": ["imageData"],
    }
    content = {
        "multipart/form-data": {"schema": part},
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
    }
    return _described({"content": content, "required": True}, max_bytes, leeway_bytes)


def _described(body: dict[str, Any], max_bytes: int, leeway_bytes: int = FORM_BYTES) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        def contribute(operation: Any) -> None:
            operation.openapi_extra = {"requestBody": body}

        contribute_operation_callback(view, contribute)
        _limits[view.__name__] = (max_bytes, leeway_bytes)
        return view

    return decorate


class DescribedAPI(NinjaAPI):
    """An API whose document has our bodies and our errors."""

    def get_openapi_operation_id(self, operation: Any) -> str:
        return to_pascal(str(operation.view_func.__name__))

    def url_patterns(self) -> list[URLPattern]:
        """Return the addresses, whose views know how much may be posted to them."""
        patterns = cast("list[URLPattern]", self.urls[0])
        for pattern in patterns:
            same = (each.name for each in patterns if str(each.pattern) == str(pattern.pattern))
            limits = [_limits[name] for name in same if name in _limits]
            pattern.callback.too_big = too_big  # type: ignore[attr-defined]
            if limits:
                files_limit, leeway_bytes = max(limits)
                pattern.callback.files_limit = files_limit  # type: ignore[attr-defined]
                pattern.callback.leeway_bytes = leeway_bytes  # type: ignore[attr-defined]
        return patterns

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        _keys, described = models_json_schema([(model, "validation") for model in _bodies], ref_template=_REFERENCE)
        schema["components"]["schemas"] |= described.get("$defs", {})
        return schema
