"""What the door and the rooms behind it call things."""

from collections.abc import Callable
from typing import TypeAlias

from django.http import HttpRequest, HttpResponseBase

View: TypeAlias = Callable[..., HttpResponseBase]
Handler: TypeAlias = Callable[[HttpRequest], HttpResponseBase]
"""What middleware is given, and what it returns."""
