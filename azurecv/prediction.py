"""Azure Custom Vision, by its official SDK."""

from functools import partial
from typing import Any, NoReturn

from azure.cognitiveservices.vision.customvision.prediction import CustomVisionPredictionClient
from azure.cognitiveservices.vision.customvision.training import CustomVisionTrainingClient
from django.conf import settings
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from azurecv import sdk
from azurecv.sdk import Patience
from classifier.backends.base import Answer, TagProbability
from classifier.exceptions import BackendMisconfigured, BackendUnavailable
from engine.exceptions import RefusalReason, RefusedPicture
from engine.images import AdmittedPicture
from training.models import Iteration, Project

ATTEMPTS = 3
BACK_OFF_S = 0.5  # doubled before each further attempt
MAX_RETRY_AFTER_S = 5.0  # a longer wait is the user's to decide

REFUSED = gettext_noop("Azure Custom Vision cannot read this picture: save it again as a JPEG and send that.")


class CustomVisionBackend:
    """Asks the published iteration of a project at Azure; photos travel without their metadata."""

    needs_head = False

    def predict(
        self,
        photo: AdmittedPicture,
        *,
        project: Project,
        iteration: Iteration | None = None,
    ) -> Answer:
        if project.remote_id is None:
            raise BackendMisconfigured(f"Project {project} has no remote id: set its id at Custom Vision.")
        chosen = iteration or project.live_iteration
        live = chosen if chosen and chosen.is_published else None
        publish_name = live.publish_name if live else settings.CLASSIFR_CUSTOMVISION_PUBLISH_NAME
        if not publish_name:
            raise BackendMisconfigured(
                f"No iteration of {project} is live: publish one, or set CLASSIFR_CUSTOMVISION_PUBLISH_NAME."
            )
        try:
            predictions = _read(self._classify(str(project.remote_id), publish_name, photo.content))
        except sdk.CallFailed as exc:
            _translate(exc)
        return Answer(predictions=predictions, iteration=live, iteration_name=live.name if live else publish_name)

    def quick_test(self, photo: AdmittedPicture, *, iteration: Iteration) -> Answer:
        if iteration.project.remote_id is None or iteration.remote_id is None:
            raise BackendMisconfigured(_("Azure Custom Vision does not know %(name)s.") % {"name": iteration.name})
        try:
            answer = sdk.call(
                partial(
                    self._training_client.quick_test_image,
                    str(iteration.project.remote_id),
                    photo.content,
                    iteration_id=str(iteration.remote_id),
                    store=False,
                ),
                patience=_patience(),
            )
            predictions = _read(answer)
        except sdk.CallFailed as exc:
            _translate(exc)
        return Answer(predictions=predictions, iteration=iteration, iteration_name=iteration.name)

    def _classify(self, project_id: str, publish_name: str, content: bytes) -> Any:
        """Return the SDK's ImagePrediction; wait and ask again while Azure is busy."""
        client = self._client
        store = settings.CLASSIFR_CUSTOMVISION_STORE
        operation = client.classify_image if store else client.classify_image_with_no_store
        return sdk.call(
            partial(operation, project_id, publish_name, content),
            patience=_patience(),
        )

    @cached_property
    def _client(self) -> Any:
        return sdk.connect(
            CustomVisionPredictionClient,
            endpoint="CLASSIFR_CUSTOMVISION_ENDPOINT",
            key="CLASSIFR_CUSTOMVISION_PREDICTION_KEY",
            header="Prediction-key",
        )

    @cached_property
    def _training_client(self) -> Any:
        """The client that asks iterations that are not published."""
        return sdk.connect(
            CustomVisionTrainingClient,
            endpoint="CLASSIFR_CUSTOMVISION_TRAINING_ENDPOINT",
            key="CLASSIFR_CUSTOMVISION_TRAINING_KEY",
            header="Training-key",
        )


def _patience() -> Patience:
    return Patience(ATTEMPTS, BACK_OFF_S, MAX_RETRY_AFTER_S)


def _read(answer: Any) -> tuple[TagProbability, ...]:
    """Return the tags of the SDK's ImagePrediction, the most probable first."""
    with sdk.reading():
        predictions = [
            TagProbability(str(prediction.tag_name), float(prediction.probability)) for prediction in answer.predictions
        ]
    if not predictions:
        raise BackendUnavailable("Azure Custom Vision answered without a single tag.")
    return tuple(sorted(predictions, key=lambda prediction: -prediction.probability))


def _translate(exc: sdk.CallFailed) -> NoReturn:
    """Raise what the failure means for the user."""
    if isinstance(exc, sdk.NotSetUp):
        raise BackendMisconfigured(str(exc)) from exc
    if not isinstance(exc, sdk.Declined):
        raise BackendUnavailable(str(exc)) from exc
    if exc.is_busy:
        raise BackendUnavailable(f"Azure Custom Vision is busy (status {exc.status}).") from exc
    if exc.is_out_of_quota:
        raise BackendUnavailable(f"The quota of the resource at Azure Custom Vision is used up: {exc.message}") from exc
    if exc.code.startswith("BadRequestImage"):
        raise RefusedPicture(RefusalReason.NOT_AN_IMAGE, REFUSED) from exc
    raise BackendMisconfigured(f"Azure Custom Vision refused the call: {exc}.") from exc
