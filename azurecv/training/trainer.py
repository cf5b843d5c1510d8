"""Azure Custom Vision as a trainer."""

import logging
from collections.abc import Sequence

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import User
from azurecv.training import learning, measuring, sending, sync
from azurecv.training.calls import Calls
from azurecv.training.mirror import CustomVisionMirror
from jobs.progress import Progress
from training import evaluation, snapshots
from training.backends.base import Capabilities, Domain, TrainingOptions
from training.exceptions import BackendMisconfigured, Refused
from training.figures import Performance
from training.models import Iteration, Project
from training.services import intake
from training.services.intake import Candidate
from training.uploads import ImageUpload, UploadResult, fill_in

logger = logging.getLogger(__name__)


class CustomVisionTrainer:
    """Has Azure train and measure."""

    capabilities = Capabilities(measures_itself=True)

    def __init__(self) -> None:
        self._calls = Calls()
        self.mirror = CustomVisionMirror(self._calls)

    def domains(self) -> tuple[Domain, ...]:
        return self._calls.domains()

    def upload_images(
        self, project: Project, batch: Sequence[ImageUpload], *, by: User | None
    ) -> tuple[UploadResult, ...]:
        return tuple(result for part in intake.split_batch(batch) for result in self._upload_part(project, part, by=by))

    def train(self, iteration: Iteration, *, options: TrainingOptions, progress: Progress) -> None:
        progress.begin(_("Asking Azure Custom Vision to train"))
        if iteration.remote_id is None:
            iteration.remote_id = learning.begin(self._calls, iteration, options, progress)
            iteration.status = Iteration.Status.TRAINING
            iteration.save(update_fields=["remote_id", "status"])
        progress.begin(_("Azure Custom Vision is training"))
        remote = learning.wait_for_end(self._calls, iteration, options, progress)
        iteration.training_seconds = learning.seconds_taken(iteration, remote)
        sync.mirror_iteration(iteration, remote, self.performance(iteration, threshold=sync.THRESHOLD))
        measuring.measure(self._calls, iteration, tags=options.tags, progress=progress)
        iteration.save(update_fields=[*sync.MIRRORED, "training_seconds", "modified_at"])
        logger.info("Trained at Azure iteration=%s project=%s", iteration.pk, iteration.project_id)

    def performance(self, iteration: Iteration, *, threshold: float) -> Performance:
        if snapshot := snapshots.snapshot_of(iteration):
            return evaluation.performance(snapshot, threshold=threshold)
        return self._calls.performance(iteration.project, iteration, threshold=threshold)

    def check_fit_to_answer(self, iteration: Iteration) -> None:
        if not settings.CLASSIFR_CUSTOMVISION_PREDICTION_RESOURCE_ID:
            raise BackendMisconfigured(
                _("Publishing needs %(name)s in the environment: the resource that answers.")
                % {"name": "CLASSIFR_CUSTOMVISION_PREDICTION_RESOURCE_ID"}
            )
        if iteration.remote_id not in {each.id for each in self._calls.iterations(iteration.project)}:
            raise Refused(_("Azure Custom Vision no longer has %(name)s.") % {"name": iteration.name})

    def _upload_part(
        self, project: Project, part: Sequence[ImageUpload], *, by: User | None
    ) -> tuple[UploadResult, ...]:
        decided = [self._added_if_held_out(project, intake.admit(project, upload), by=by) for upload in part]
        to_send = [each for each in decided if isinstance(each, Candidate)]
        self.mirror.make_known({tag for candidate in to_send for tag in candidate.upload.tags})
        return fill_in(decided, sending.send(self._calls, project, to_send, by=by))

    def _added_if_held_out(
        self, project: Project, candidate: Candidate | UploadResult, *, by: User | None
    ) -> Candidate | UploadResult:
        """Add what is to be held out here alone, as Azure would train on it; return the others as they are."""
        if isinstance(candidate, Candidate) and candidate.upload.held_out:
            return intake.add_image(project, candidate, by=by)
        return candidate
