"""Errors as programs read them, in the service's own codes."""

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist, TooManyFieldsSent
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from ninja import NinjaAPI
from ninja.errors import ValidationError

from catalog.exceptions import StorageUnavailable
from classifier.exceptions import BackendMisconfigured, BackendUnavailable
from engine.exceptions import ModelFileError, RefusedPicture
from engine.images.refusals import MEBI
from training import exceptions as training
from web.fetching import NotFetched, TooLong
from web.outages import RETRY_AFTER_S, is_outage

logger = logging.getLogger(__name__)

ACCESS_DENIED = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an "
    "active subscription and use a correct regional API endpoint for your resource."
)
STOPPED = "This key was stopped because its owner was deactivated: ask the people who run this server for another."
_REFUSAL_CODES: dict[type[Exception], str] = {
    training.CannotConvert: "BadRequestProjectUnsupportedDomainTypeChange",
    training.AlreadyTraining: "BadRequestTrainingAlreadyInProgress",
    training.IsPublished: "BadRequestIterationIsPublished",
    training.NameTaken: "BadRequestIterationNameNotUnique",
    training.NotPublished: "BadRequestIterationNotPublished",
    training.NotTrained: "BadRequestIterationIsNotTrained",
    training.PublishNameRefused: "BadRequestInvalidPublishName",
}
"""The rest is BadRequest."""
UNAVAILABLE = "ErrorPredictionServiceUnavailable"


class ApiError(Exception):
    """An error with a code and a sentence for the program."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = HTTPStatus.BAD_REQUEST,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.headers = code, message, status, headers


class AccessDenied(Exception):
    """The key is missing, unknown, expired, revoked, stopped, or for something else."""

    def __init__(self, *, is_stopped: bool = False) -> None:
        super().__init__()
        self.is_stopped = is_stopped


def not_found(noun: str) -> ApiError:
    """Return the error for something that is not there, or not for this key: "Project", "Tag", …"""
    return ApiError(f"NotFound{noun}", f"Invalid {noun.lower()}", status=HTTPStatus.NOT_FOUND)


def too_many(name: str, count: int, *, most: int, code: str = "BadRequestExceededBatchSize") -> ApiError:
    """Return the error for a list that is too long."""
    return ApiError(code, f"{name} has {count} entries; at most {most} are accepted.")


def invalid(name: str, error: Mapping[str, Any]) -> ApiError:
    """Return the error for what pydantic says of the value of that name."""
    if error["type"] == "too_long":
        return too_many(name, error["ctx"]["actual_length"], most=error["ctx"]["max_length"])
    return ApiError("BadRequest", f"{name}: {error['msg']}.")


def problem(code: str, message: str, *, status: int, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """Return an error in the shape that the SDKs read."""
    answer = JsonResponse({"code": code, "message": message}, status=status, headers=headers)
    answer.is_in_our_shape = True  # type: ignore[attr-defined]
    return answer


def access_denied(*, is_stopped: bool = False) -> HttpResponse:
    """Return what the service's gateway says to a wrong key; clients look at the reason phrase.

    is_stopped: it is a key of somebody who was deactivated, and is told so.
    """
    body = {"error": {"code": "401", "message": f"{ACCESS_DENIED} {STOPPED}" if is_stopped else ACCESS_DENIED}}
    answer = JsonResponse(body, status=HTTPStatus.UNAUTHORIZED, reason="Access Denied")
    answer.is_in_our_shape = True  # type: ignore[attr-defined]
    return answer


def in_our_shape(answer: HttpResponseBase, *, method: str | None) -> HttpResponseBase:
    """Return the answer; an error of what stands around the API, in the shape that the SDKs read."""
    status = answer.status_code
    if status < HTTPStatus.BAD_REQUEST or hasattr(answer, "is_in_our_shape"):
        return answer
    headers = {name: answer[name] for name in ("Allow", "Retry-After") if answer.has_header(name)}
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        sentence = f"The requested resource does not support http method '{method}'."
        return problem("BadRequestNotSupported", sentence, status=status, headers=headers)
    code = "BadRequest" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "ErrorUnknown"
    return problem(code, _sentence_of(answer), status=status, headers=headers)


def _sentence_of(answer: HttpResponseBase) -> str:
    """Return what `web.limits.refusal` has to say, or what the status means."""
    if isinstance(answer, HttpResponse) and answer.get("Content-Type") == "application/json":
        return str(json.loads(answer.content)["error"])
    return f"{answer.reason_phrase}."


def too_big(size: int, limit: int) -> HttpResponse:
    """Refuse a body of so many bytes, which nobody has read."""
    sentence = f"The body weighs {size / MEBI:.1f} MB; at most {limit / MEBI:.1f} MB are accepted here."
    return problem("BadRequestImageSizeBytes", sentence, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


def handle_errors(api: NinjaAPI) -> None:
    """Let that API answer every exception in the service's shape."""

    @api.exception_handler(ApiError)
    def api_error(request: HttpRequest, exc: ApiError) -> HttpResponse:
        return problem(exc.code, exc.message, status=exc.status, headers=exc.headers)

    @api.exception_handler(AccessDenied)
    def denied(request: HttpRequest, exc: AccessDenied) -> HttpResponse:
        return access_denied(is_stopped=exc.is_stopped)

    @api.exception_handler(ValidationError)
    def invalid_query(request: HttpRequest, exc: ValidationError) -> HttpResponse:
        refusals = [invalid(error["loc"][-1], error) for error in exc.errors]
        return problem(refusals[0].code, " ".join(each.message for each in refusals), status=400)

    @api.exception_handler(NotFetched)
    def not_fetched(request: HttpRequest, exc: NotFetched) -> HttpResponse:
        code = "BadRequestImageSizeBytes" if isinstance(exc, TooLong) else "BadRequestImageUrl"
        return problem(code, str(exc), status=400)

    @api.exception_handler(RefusedPicture)
    def refused_picture(request: HttpRequest, exc: RefusedPicture) -> HttpResponse:
        return problem(exc.reason.code, str(exc), status=400)

    @api.exception_handler(training.Refused)
    def refused(request: HttpRequest, exc: training.Refused) -> HttpResponse:
        return problem(_REFUSAL_CODES.get(type(exc), "BadRequest"), str(exc), status=400)

    @api.exception_handler(ObjectDoesNotExist)
    def gone(request: HttpRequest, exc: ObjectDoesNotExist) -> HttpResponse:
        """Answer for a row that was deleted after we had read it; the exception's name says of which model."""
        logger.warning("Gone meanwhile: %s", exc)
        return api_error(request, not_found(type(exc).__qualname__.removesuffix(".DoesNotExist")))

    @api.exception_handler(IntegrityError)
    def crossed(request: HttpRequest, exc: IntegrityError) -> HttpResponse:
        """Answer for a change that conflicts with a concurrent one."""
        logger.warning("Crossed", exc_info=exc)
        sentence = "What this is about was changed by somebody else meanwhile; look again, then try again."
        return problem("Conflict", sentence, status=HTTPStatus.CONFLICT)

    @api.exception_handler(Exception)
    def failed(request: HttpRequest, exc: Exception) -> HttpResponse:
        return _failure(exc)


def _failure(exc: Exception) -> HttpResponse:
    """Answer what no operation has answered; log what is no fault of the program."""
    if is_outage(exc):
        logger.warning("Not answered: %s", exc)
        sentence = "The database is starting or being repaired. Please retry."
        return problem(UNAVAILABLE, sentence, status=503, headers={"Retry-After": str(RETRY_AFTER_S)})
    busy = (StorageUnavailable, BackendUnavailable, training.BackendUnavailable)
    if isinstance(exc, busy):
        logger.warning("Not answered: %s", exc)
        return problem(UNAVAILABLE, str(exc), status=503, headers={"Retry-After": str(RETRY_AFTER_S)})
    if isinstance(exc, BackendMisconfigured | training.BackendMisconfigured | ModelFileError):
        logger.error("Not answered: %s", exc)
        return problem("ErrorInvalid", str(exc), status=500)
    if isinstance(exc, ValueError) and "NUL (0x00)" in str(exc):  # from the database's driver: no view looked
        return problem("BadRequest", "The request has a NUL character, which no text can have here.", status=400)
    if isinstance(exc, TooManyFieldsSent):
        most = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
        return problem("BadRequest", f"The address has more than {most} parameters.", status=400)
    logger.error("Not answered", exc_info=exc)
    return problem("ErrorUnknown", "Something went wrong that nobody thought of; the log says more.", status=500)
