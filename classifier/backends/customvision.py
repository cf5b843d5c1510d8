"""Azure Custom Vision, by its official SDK."""

import logging
import time
from typing import Any, NoReturn

from azure.cognitiveservices.vision.customvision.prediction import CustomVisionPredictionClient
from azure.cognitiveservices.vision.customvision.prediction.models import CustomVisionErrorException
from azure.core.exceptions import DeserializationError
from django.conf import settings
from django.utils.functional import cached_property
from django.utils.translation import gettext_noop
from msrest.authentication import ApiKeyCredentials
from msrest.exceptions import ClientException

from classifier.backends.base import Answer, TagProbability
from classifier.exceptions import BackendMisconfigured, BackendUnavailable
from engine import images
from engine.exceptions import RefusalReason, RefusedPicture
from engine.images import checking
from training.models import Project

logger = logging.getLogger(__name__)

ATTEMPTS = 3
BACK_OFF_S = 0.5  # doubled before each further attempt
MAX_RETRY_AFTER_S = 5.0  # a longer wait is the user's to decide

UNREADABLE = "Azure Custom Vision gave an answer that cannot be read."
REFUSED = gettext_noop("Azure Custom Vision cannot read this picture: save it again as a JPEG and send that.")

_NEEDED = (
    "CLASSIFR_CUSTOMVISION_ENDPOINT",
    "CLASSIFR_CUSTOMVISION_PREDICTION_KEY",
    "CLASSIFR_CUSTOMVISION_PUBLISH_NAME",
)


class CustomVisionBackend:
    """Asks the published iteration of a project at Azure; photos travel without their metadata."""

    def predict(self, content: bytes, *, project: Project) -> Answer:
        if project.remote_id is None:
            raise BackendMisconfigured(f"Project {project} has no remote id: set its id at Custom Vision.")
        checking.checked(content, limits=images.PREDICTION)
        answer = self._classify(str(project.remote_id), images.strip_metadata(content))
        return Answer(predictions=_read(answer), iteration_name=settings.CLASSIFR_CUSTOMVISION_PUBLISH_NAME)

    def _classify(self, project_id: str, content: bytes) -> Any:
        """Return the SDK's ImagePrediction; wait and ask again while Azure is busy."""
        wait_s = BACK_OFF_S
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._call(project_id, settings.CLASSIFR_CUSTOMVISION_PUBLISH_NAME, content)
            except CustomVisionErrorException as exc:
                if not _is_busy(exc) or attempt == ATTEMPTS:
                    _translate(exc)
                pause_s = _retry_after_s(exc) or wait_s
                if pause_s > MAX_RETRY_AFTER_S:
                    _translate(exc)
                logger.warning("Custom Vision is busy status=%s attempt=%s", exc.response.status_code, attempt)
                time.sleep(pause_s)
                wait_s *= 2
            except DeserializationError as exc:
                raise BackendUnavailable(UNREADABLE) from exc
            except ClientException as exc:
                raise BackendUnavailable(f"Azure Custom Vision cannot be reached: {type(exc).__name__}.") from exc
        raise AssertionError("unreachable")

    @property
    def _call(self) -> Any:
        client = self._client
        return client.classify_image if settings.CLASSIFR_CUSTOMVISION_STORE else client.classify_image_with_no_store

    @cached_property
    def _client(self) -> CustomVisionPredictionClient:
        if missing := [name for name in _NEEDED if not getattr(settings, name)]:
            raise BackendMisconfigured(f"Custom Vision needs {', '.join(missing)} in the environment.")
        if not settings.CLASSIFR_CUSTOMVISION_ENDPOINT.startswith(("https://", "http://")):
            raise BackendMisconfigured("CLASSIFR_CUSTOMVISION_ENDPOINT is no address: it begins with https://.")
        key = ApiKeyCredentials(in_headers={"Prediction-key": settings.CLASSIFR_CUSTOMVISION_PREDICTION_KEY})
        client = CustomVisionPredictionClient(settings.CLASSIFR_CUSTOMVISION_ENDPOINT, key)  # type: ignore[no-untyped-call]
        client.config.connection.timeout = settings.CLASSIFR_CUSTOMVISION_TIMEOUT_SECONDS  # type: ignore[assignment]
        client.config.retry_policy.retries = 0  # it never repeats a POST; the loop above does
        return client


def _read(answer: Any) -> tuple[TagProbability, ...]:
    """Return the tags of the SDK's ImagePrediction, the most probable first."""
    try:
        found = [TagProbability(str(each.tag_name), float(each.probability)) for each in answer.predictions]
    except (AttributeError, TypeError, ValueError) as exc:
        raise BackendUnavailable(UNREADABLE) from exc
    if not found:
        raise BackendUnavailable("Azure Custom Vision answered without a single tag.")
    return tuple(sorted(found, key=lambda each: -each.probability))


def _is_busy(exc: CustomVisionErrorException) -> bool:
    status: int = exc.response.status_code
    return status == 429 or status >= 500


def _retry_after_s(exc: CustomVisionErrorException) -> float | None:
    value = exc.response.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else None


def _translate(exc: CustomVisionErrorException) -> NoReturn:
    """Raise what the answer means for the user."""
    status: int = exc.response.status_code
    code = str(getattr(exc.error, "code", ""))
    if _is_busy(exc):
        raise BackendUnavailable(f"Azure Custom Vision is busy (status {status}).") from exc
    if code.startswith("BadRequestImage"):
        raise RefusedPicture(RefusalReason.NOT_AN_IMAGE, REFUSED) from exc
    raise BackendMisconfigured(f"Azure Custom Vision refused the call: status {status}, {code or exc}.") from exc
