"""Calls of Azure's training service, and what it means when they fail."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from azure.cognitiveservices.vision.customvision.training import CustomVisionTrainingClient
from django.conf import settings
from django.db.models import Model
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from azurecv import sdk
from azurecv.training import answers
from azurecv.training.answers import RemoteIteration, RemoteTag
from training.backends.base import Domain
from training.exceptions import (
    AlreadyTraining,
    BackendMisconfigured,
    BackendUnavailable,
    NothingChanged,
    Refused,
    TrainingError,
)
from training.figures import Performance
from training.models import Iteration, Project

ATTEMPTS = 6
BACK_OFF_S = 1.0  # doubled before each further attempt
MOST_WAIT_S = 60.0  # a longer wait is the caller's to decide
GONE = ("NotFound",)
NO_PICTURE = ("BadRequestImage",)

_pace = sdk.Pace()
T = TypeVar("T")


class Calls:
    """The SDK's operations by name. A row among the arguments stands for its id at Azure; one without is Refused."""

    def __init__(self, *, endpoint: str = "") -> None:
        """endpoint: of another server than the one of the settings."""
        self._endpoint = endpoint

    def call(
        self,
        name: str,
        *args: Any,
        fine: tuple[str, ...] = (),
        repeats_errors: bool = True,
        wait: Callable[[float], None] = time.sleep,
        **values: Any,
    ) -> Any:
        """Make one call of the SDK; return None where Azure answers with a code that begins as one of `fine`."""
        sent = [_as_sent(each) for each in args]
        with _meant():
            operation = getattr(self._client, name)

            def attempt() -> Any:
                _pace.wait_turn(per_second=settings.CLASSIFR_CUSTOMVISION_CALLS_PER_SECOND)
                return operation(*sent, **values)

            patience = sdk.Patience(ATTEMPTS, BACK_OFF_S, MOST_WAIT_S, repeats_errors=repeats_errors)
            try:
                return sdk.call(attempt, patience=patience, wait=wait)
            except sdk.Declined as exc:
                if exc.code.startswith(fine):
                    return None
                raise

    def ask(self, read: Callable[[Any], T], name: str, *args: Any, **values: Any) -> T:
        """Make one call and read its answer."""
        answer = self.call(name, *args, **values)
        with _meant(), sdk.reading():
            return read(answer)

    def domains(self) -> tuple[Domain, ...]:
        return self.ask(answers.read_domains, "get_domains")

    def tags(self, project: Project | UUID) -> list[RemoteTag]:
        return self.ask(lambda answer: [*map(answers.read_tag, answer)], "get_tags", project)

    def iterations(self, project: Project | UUID) -> list[RemoteIteration]:
        return self.ask(lambda answer: [*map(answers.read_iteration, answer)], "get_iterations", project)

    def performance(self, project: Project | UUID, iteration: Iteration | UUID, *, threshold: float) -> Performance:
        return self.ask(
            partial(answers.read_performance, threshold=threshold),
            "get_iteration_performance",
            project,
            iteration,
            threshold=threshold,
            fine=("NotFoundIterationPerformance",),
        )

    def quick_test(
        self, project: Project | UUID, content: bytes, iteration: Iteration | UUID
    ) -> dict[UUID, float] | None:
        """Return what an iteration says of a picture, by tag; None where Azure does not take it. It is not stored."""
        asked = iteration.remote_id if isinstance(iteration, Iteration) else iteration
        return self.ask(
            lambda answer: answer and answers.read_probabilities(answer),
            "quick_test_image",
            project,
            content,
            iteration_id=str(asked),
            store=False,
            fine=NO_PICTURE,
        )

    @cached_property
    def _client(self) -> Any:
        return sdk.connect(
            CustomVisionTrainingClient,
            endpoint="CLASSIFR_CUSTOMVISION_TRAINING_ENDPOINT",
            key="CLASSIFR_CUSTOMVISION_TRAINING_KEY",
            header="Training-key",
            address=self._endpoint,
        )


def _as_sent(value: Any) -> Any:
    if isinstance(value, Model):
        if value.remote_id is None:  # type: ignore[attr-defined]
            raise Refused(_("Azure Custom Vision does not know %(name)s.") % {"name": value})
        return str(value.remote_id)  # type: ignore[attr-defined]
    return str(value) if isinstance(value, UUID) else value


@contextmanager
def _meant() -> Iterator[None]:
    """Raise what a failed call means for whoever asked."""
    try:
        yield
    except sdk.CallFailed as exc:
        raise _meaning(exc) from exc


def _meaning(exc: sdk.CallFailed) -> TrainingError:
    if isinstance(exc, sdk.NotSetUp):
        return BackendMisconfigured(str(exc))
    if isinstance(exc, sdk.Unreadable):
        return BackendUnavailable(_("Azure Custom Vision gave an answer that cannot be read."))
    if not isinstance(exc, sdk.Declined):
        return BackendUnavailable(_("Azure Custom Vision cannot be reached."))
    if exc.is_busy and exc.retry_after_s and exc.retry_after_s > MOST_WAIT_S:
        sentence = _("Azure Custom Vision is busy and asks to wait for %(minutes)s minutes (status %(status)s).")
        return BackendUnavailable(sentence % {"minutes": round(exc.retry_after_s / 60), "status": exc.status})
    if exc.is_busy:
        return BackendUnavailable(_("Azure Custom Vision is busy (status %(status)s).") % {"status": exc.status})
    if exc.is_out_of_quota:
        sentence = _("The quota of the resource at Azure Custom Vision is used up: %(said)s")
        return BackendUnavailable(sentence % {"said": exc.message})
    return _refusal(exc)


def _refusal(exc: sdk.Declined) -> TrainingError:
    if exc.status in {401, 403}:
        return BackendMisconfigured(
            _("Azure Custom Vision does not accept %(key)s at %(endpoint)s (status %(status)s).")
            % {
                "key": "CLASSIFR_CUSTOMVISION_TRAINING_KEY",
                "endpoint": "CLASSIFR_CUSTOMVISION_TRAINING_ENDPOINT",
                "status": exc.status,
            }
        )
    if exc.code == "BadRequestInvalidPublishTarget":
        return BackendMisconfigured(
            _("%(name)s is not a resource that Azure Custom Vision can publish to.")
            % {"name": "CLASSIFR_CUSTOMVISION_PREDICTION_RESOURCE_ID"}
        )
    if exc.code.startswith("BadRequestTrainingNotNeeded"):
        return NothingChanged(_("Nothing has changed since the last training."))
    if exc.code == "BadRequestTrainingAlreadyInProgress":
        return AlreadyTraining(_("Azure Custom Vision is training this project already."))
    said = f"{exc.message} ({exc.code})" if exc.code else exc.message
    return Refused(_("Azure Custom Vision refuses: %(said)s.") % {"said": said})
