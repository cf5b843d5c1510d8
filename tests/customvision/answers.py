"""What tests read out of answers."""

from collections.abc import Callable
from typing import Any

from training.models import Image

Call = Callable[..., Any]
"""The fixture `call`."""


def refusal(answer: Any) -> tuple[int, str]:
    """Return status and code of an error in the shape that the SDKs read."""
    body = answer.json()
    assert body.keys() == {"code", "message"}
    return answer.status_code, body["code"]


def code_of(exc: Any) -> str:
    """Return the code with which an SDK's exception tells a refusal."""
    return str(exc.error and exc.error.code)


def ids(answer: Any) -> list[str]:
    """Return the ids of the images that an answer lists."""
    assert answer.status_code == 200, answer.content
    return [each["id"] for each in answer.json()]


def uids(*images: Image) -> list[str]:
    """Return the ids by which answers name these images."""
    return [str(image.uid) for image in images]
