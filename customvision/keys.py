"""Which key opens which operation."""

import math
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja.security import APIKeyHeader

from accounts.keys import find_key, is_stopped
from accounts.models import ApiKey
from customvision.errors import AccessDenied, ApiError
from web.addresses import client_address, network_of
from web.limits import count_requests

_REFUSED_PER_MINUTE = 30


class _Key(APIKeyHeader):
    """A key in a header; it becomes `request.auth`."""

    scope: str

    def authenticate(self, request: HttpRequest, key: str | None) -> ApiKey:
        known_key = find_key(key or "", now=timezone.now())
        if known_key is None or not known_key.allows(self.scope):
            self._count(request)
            raise AccessDenied(is_stopped=is_stopped(key or ""))
        return known_key

    def admits(self, request: HttpRequest, named: Mapping[str, Any]) -> bool:
        """Say whether a key opens what is at an address. named: by it, the project among others."""
        key = find_key(request.headers.get(self.param_name, ""), now=timezone.now())
        if key is None or not key.allows(self.scope):
            return False
        return key.project_uid is None or str(key.project_uid) == named.get("project_id")

    def _count(self, request: HttpRequest) -> None:
        """Slow down who tries keys."""
        [(count, seconds)] = count_requests([f"refused keys address={network_of(client_address(request))}"])
        if count > _REFUSED_PER_MINUTE:
            wait = str(math.ceil(seconds))
            sentence = f"Too many wrong keys. Please retry after {wait} seconds."
            raise ApiError("429", sentence, status=429, headers={"Retry-After": wait})


class TrainingKey(_Key):
    param_name = "Training-key"
    scope = ApiKey.Scope.TRAINING


class PredictionKey(_Key):
    param_name = "Prediction-key"
    scope = ApiKey.Scope.PREDICTION
