"""What the door and the rooms behind it call things."""

from collections.abc import Callable
from typing import TypeAlias

from django.http import HttpResponseBase

View: TypeAlias = Callable[..., HttpResponseBase]
