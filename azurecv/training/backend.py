"""Azure Custom Vision as a training backend."""

import logging
from collections.abc import Iterable, Sequence
from uuid import UUID

from azure.cognitiveservices.vision.customvision.training import models
from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import User
from azurecv.training import answers, learning, mirroring, sending
from azurecv.training.answers import RemoteIteration
from azurecv.training.calls import GONE, Calls
from jobs.progress import Progress
from training import keeping
from training.backends.base import Capabilities, Domain, TrainingOptions
from training.exceptions import BackendMisconfigured, Refused, TrainingError
from training.figures import Performance
from training.models import Image, Iteration, Project, Tag
from training.uploads import ImageUpload, UploadResult

logger = logging.getLogger(__name__)

_NAME_TAKEN = ("BadRequestTagNameNotUnique",)


class CustomVisionBackend:
    """Has Azure train and measure; every call answers for itself, none happens inside a transaction of ours."""

    capabilities = Capabilities(measures_itself=True, advanced_training=True, changes_elsewhere=True)

    def __init__(self) -> None:
        self._azure = Calls()

    def domains(self) -> tuple[Domain, ...]:
        return self._azure.ask(answers.read_domains, "get_domains")

    def create_project(self, project: Project) -> None:
        domain = next((each for each in self.domains() if each.name == project.domain), None)
        if domain is None:
            raise Refused(_("Azure Custom Vision has no domain %(name)s.") % {"name": project.domain})
        project.remote_id = self._azure.ask(
            answers.read_id,
            "create_project",
            project.name,
            description=project.description,
            domain_id=domain.id,
            classification_type=project.type,
            repeats_errors=False,
        )

    def delete_project(self, project: Project) -> None:
        if project.remote_id:
            self._azure.call("delete_project", project, fine=GONE)

    def create_tags(self, tags: Sequence[Tag]) -> None:
        for tag in tags:
            if tag.remote_id is None:
                tag.remote_id = self._create_tag(tag)

    def rename_tag(self, tag: Tag) -> None:
        if tag.remote_id is None:
            return
        # The whole tag is replaced, and its description there is none of ours.
        description = self._azure.ask(lambda answer: str(answer.description or ""), "get_tag", tag.project, tag)
        renamed = models.Tag(name=tag.name, description=description, type=tag.type)
        if self._azure.call("update_tag", tag.project, tag, renamed, fine=_NAME_TAKEN) is None:
            sentence = _("Azure Custom Vision has another tag %(name)s: synchronise the project.")
            raise Refused(sentence % {"name": tag.name})

    def delete_tag(self, tag: Tag) -> None:
        if tag.remote_id:
            self._azure.call("delete_tag", tag.project, tag, fine=GONE)

    def upload_images(
        self, project: Project, batch: Sequence[ImageUpload], *, by: User | None
    ) -> tuple[UploadResult, ...]:
        keeping.check_batch(batch)
        results: sending.Results = {}
        to_send: sending.Uploads = {}
        for index, upload in enumerate(batch):
            if refusal := keeping.refused(project, upload):
                results[index] = refusal
            elif upload.held_out:  # Azure would train on it
                results[index] = keeping.keep_image(project, upload, by=by)
            else:
                to_send[index] = upload
        self._make_known({tag for upload in to_send.values() for tag in upload.tags})
        results |= sending.send(self._azure, project, to_send, by=by)
        return tuple(results[index] for index in range(len(batch)))

    def set_tags(self, image: Image, tags: Sequence[Tag]) -> None:
        if image.remote_id is None:
            return
        self._make_known(tags)
        image_id = str(image.remote_id)
        wanted = {str(tag.remote_id) for tag in tags}
        present = {str(tag.remote_id) for tag in image.tags.all() if tag.remote_id}
        if gone := sorted(present - wanted):
            self._azure.call("delete_image_tags", image.project, [image_id], gone)
        if new := sorted(wanted - present):
            pairs = [models.ImageTagCreateEntry(image_id=image_id, tag_id=each) for each in new]
            answer = self._azure.call("create_image_tags", image.project, tags=pairs)
            if getattr(answer, "exceeded", None):
                raise Refused(_("Azure Custom Vision lets the image have no more tags."))

    def delete_images(self, images: Sequence[Image]) -> None:
        ids = [str(image.remote_id) for image in images if image.remote_id]
        if not ids:
            return
        project = images[0].project
        try:
            self._azure.call("delete_images", project, image_ids=ids)
        except Refused:  # one that is gone must not keep the others there
            for each in ids:
                self._azure.call("delete_images", project, image_ids=[each], fine=GONE)

    def train(self, iteration: Iteration, *, options: TrainingOptions, progress: Progress) -> None:
        progress.begin(_("Asking Azure Custom Vision to train"))
        if iteration.remote_id is None:
            iteration.remote_id = learning.begin(self._azure, iteration, options, progress)
            iteration.status = Iteration.Status.TRAINING
            iteration.save(update_fields=["remote_id", "status"])
        progress.begin(_("Azure Custom Vision is training"))
        remote = learning.wait_for_end(self._azure, iteration, options, progress)
        iteration.training_seconds = learning.seconds_taken(iteration, remote)
        performance = self.performance(iteration, threshold=mirroring.THRESHOLD)
        mirroring.mirror_iteration(iteration, remote, performance)
        iteration.save(update_fields=[*mirroring.MIRRORED, "training_seconds", "modified_at"])
        logger.info("Trained at Azure iteration=%s project=%s", iteration.pk, iteration.project_id)

    def performance(self, iteration: Iteration, *, threshold: float) -> Performance:
        return self._azure.performance(iteration.project, iteration, threshold=threshold)

    def publish(self, iteration: Iteration, *, name: str) -> None:
        """Nobody answers under the name for the moment between two calls; if the second fails, all is as before."""
        if not settings.CLASSIFR_CUSTOMVISION_PREDICTION_RESOURCE_ID:
            raise BackendMisconfigured(
                _("Publishing needs %(name)s in the environment: the resource that answers.")
                % {"name": "CLASSIFR_CUSTOMVISION_PREDICTION_RESOURCE_ID"}
            )
        there = self._azure.iterations(iteration.project)
        ours = next((each for each in there if each.id == iteration.remote_id), None)
        if ours is None:
            raise Refused(_("Azure Custom Vision no longer has %(name)s.") % {"name": iteration.name})
        if ours.publish_name == name:
            return
        holders = [each for each in there if each.publish_name == name]
        silenced: list[RemoteIteration] = []
        try:
            for each in [ours, *holders]:
                if each.publish_name:
                    self._unpublish(iteration.project, each.id)
                    silenced.append(each)
            self._publish(iteration.project, ours.id, name)
        except TrainingError:
            for each in silenced:
                self._publish_again(iteration.project, each)
            raise

    def unpublish(self, iteration: Iteration) -> None:
        if iteration.remote_id:
            self._unpublish(iteration.project, iteration.remote_id)

    def rename_iteration(self, iteration: Iteration) -> None:
        if iteration.remote_id:
            self._azure.call("update_iteration", iteration.project, iteration, iteration.name)

    def delete_iteration(self, iteration: Iteration) -> None:
        if iteration.remote_id:
            self._azure.call("delete_iteration", iteration.project, iteration, fine=GONE)

    def sync(self, project: Project) -> str:
        return mirroring.sync(self._azure, project)

    def _create_tag(self, tag: Tag) -> UUID:
        """Make a tag at Azure, or find the one of that name; return its id."""
        made = self._azure.ask(
            lambda answer: answer and answers.read_tag(answer),
            "create_tag",
            tag.project,
            tag.name,
            description=tag.description,
            type=tag.type,
            fine=_NAME_TAKEN,
        )
        if made:
            return made.id
        for found in self._azure.tags(tag.project):
            if found.name.lower() == tag.name.lower():
                return found.id
        raise Refused(_("Azure Custom Vision refuses the tag %(name)s.") % {"name": tag.name})

    def _make_known(self, tags: Iterable[Tag]) -> None:
        """See to it that Azure has these tags, whatever they went through."""
        for tag in tags:
            if tag.remote_id is None:
                self.create_tags([tag])
                tag.save(update_fields=["remote_id"])

    def _publish(self, project: Project, iteration_id: UUID, name: str) -> None:
        self._azure.call(
            "publish_iteration",
            project,
            iteration_id,
            publish_name=name,
            prediction_id=settings.CLASSIFR_CUSTOMVISION_PREDICTION_RESOURCE_ID,
            overwrite=True,
        )

    def _publish_again(self, project: Project, former: RemoteIteration) -> None:
        """Bring back what was unpublished in vain; the caller has the error to tell."""
        try:
            self._publish(project, former.id, former.publish_name)
        except TrainingError as exc:
            logger.error("Nothing answers project=%s name=%s: %s", project.pk, former.publish_name, exc)  # noqa: TRY400

    def _unpublish(self, project: Project, iteration_id: UUID) -> None:
        fine = ("BadRequestIterationNotPublished", *GONE)
        self._azure.call("unpublish_iteration", project, iteration_id, fine=fine)
