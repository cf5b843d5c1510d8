"""Values as they stand in queries and answers."""

import json
from collections.abc import Sequence, Sized
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias, TypeVar
from uuid import UUID

from django.http import HttpResponse
from pydantic import AfterValidator, AliasChoices, AliasGenerator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel, to_pascal

from customvision.errors import ApiError, too_many


def _in_usual_cases(name: str) -> AliasChoices:
    """Return the spellings of a name that programs use; the service's reader takes any."""
    camel = to_camel(name)
    return AliasChoices(*dict.fromkeys((camel, to_pascal(name), camel.lower(), camel.upper())))


class Shape(BaseModel):
    """A JSON object of the protocol: names in camelCase; what was not set is not sent."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Body(Shape):
    """A JSON object that programs send: "url" or, as the service's own portal has it in its examples, "Url"."""

    model_config = ConfigDict(
        alias_generator=AliasGenerator(alias=to_camel, validation_alias=_in_usual_cases, serialization_alias=to_camel),
        allow_inf_nan=False,
    )


Word = Annotated[str, AfterValidator(str.capitalize)]
"""A value of an enumeration, which the service takes in any case."""


def _split(given: Any) -> Any:
    """Undo the commas: programs send one value for a list, as "a,b" or "a, b"."""
    return (
        [word for text in given for part in text.split(",") if (word := part.strip())]
        if isinstance(given, list)
        else given
    )


Item = TypeVar("Item")

MOST_ITEMS = 1024
"""In any list or object that programs send: longer ones are refused, whatever is in them. Views have lower limits."""
ListOf = Annotated[list[Item], Field(max_length=MOST_ITEMS)]
Texts = Annotated[dict[str, str], Field(max_length=MOST_ITEMS)]
"""Pairs of text."""

Ids = Annotated[ListOf[UUID], BeforeValidator(_split)]
"""Ids in a query, in one value with commas or in several."""
Names = Annotated[ListOf[str], BeforeValidator(_split)]


def at_least_one(ids: Sized, name: str) -> None:
    """Raise ApiError for a list that is empty."""
    if not ids:
        raise ApiError("BadRequestRequiredParamIsNull", f"{name} is empty; at least one is needed.")


def at_most(limit: int, ids: Sized, name: str, *, code: str = "BadRequestExceededBatchSize") -> None:
    """Raise ApiError for a list that is too long."""
    if len(ids) > limit:
        raise too_many(name, len(ids), most=limit, code=code)


def utc(moment: datetime) -> str:
    """Return the moment as projects, iterations and predictions have it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def naive(moment: datetime) -> str:
    """Return the moment as images and their tags have it: UTC, without saying so, to a tenth of a microsecond."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0"


def single(value: float) -> float:
    """Return a probability with the nine digits that tell float32s apart."""
    return float(f"{value:.9g}")


Value: TypeAlias = Shape | Sequence[Shape] | int | bool | dict[str, int]


def reply(value: Value, *, status: int = 200) -> HttpResponse:
    """Answer with that value."""
    return HttpResponse(_json(value), status=status, content_type="application/json; charset=utf-8")


def nothing() -> HttpResponse:
    """Answer that it is done, with no body and so with no type."""
    answer = HttpResponse(status=204)
    del answer.headers["Content-Type"]
    return answer


def _json(value: Value) -> str:
    if isinstance(value, Shape):
        return value.model_dump_json(by_alias=True, exclude_unset=True)
    if isinstance(value, Sequence):
        return f"[{','.join(_json(each) for each in value)}]"
    return json.dumps(value)
