"""The copy of our rows at Azure Custom Vision."""

import logging
from collections.abc import Iterable, Sequence
from uuid import UUID

from azure.cognitiveservices.vision.customvision.training import models
from django.conf import settings
from django.utils.translation import gettext as _

from azurecv.training import answers, sync
from azurecv.training.answers import RemoteIteration
from azurecv.training.calls import GONE, Calls
from training.exceptions import Refused, TrainingError
from training.models import Image, Iteration, Project, Tag
from training.uploads import BATCH

logger = logging.getLogger(__name__)

_NAME_TAKEN = ("BadRequestTagNameNotUnique",)


class CustomVisionMirror:
    """Does at Azure what is done here; every call answers for itself, none happens inside a transaction of ours."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def create_project(self, project: Project) -> None:
        domain = next((each for each in self._calls.domains() if each.name == project.domain), None)
        if domain is None:
            raise Refused(_("Azure Custom Vision has no domain %(name)s.") % {"name": project.domain})
        project.remote_id = self._calls.ask(
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
            self._calls.call("delete_project", project, fine=GONE)

    def create_tags(self, tags: Sequence[Tag]) -> None:
        for tag in tags:
            if tag.remote_id is None:
                tag.remote_id = self._create_tag(tag)

    def rename_tag(self, tag: Tag) -> None:
        if tag.remote_id is None:
            return
        # The whole tag is replaced, and its description there is none of ours.
        description = self._calls.ask(lambda answer: str(answer.description or ""), "get_tag", tag.project, tag)
        renamed = models.Tag(name=tag.name, description=description, type=tag.type)
        if self._calls.call("update_tag", tag.project, tag, renamed, fine=_NAME_TAKEN) is None:
            sentence = _("Azure Custom Vision has another tag %(name)s: synchronise the project.")
            raise Refused(sentence % {"name": tag.name})

    def delete_tag(self, tag: Tag) -> None:
        if tag.remote_id:
            self._calls.call("delete_tag", tag.project, tag, fine=GONE)

    def set_tags(self, image: Image, tags: Sequence[Tag]) -> None:
        if image.remote_id is None:
            return
        self.make_known(tags)
        image_id = str(image.remote_id)
        wanted = {str(tag.remote_id) for tag in tags}
        present = {str(tag.remote_id) for tag in image.tags.all() if tag.remote_id}
        if gone := sorted(present - wanted):
            self._calls.call("delete_image_tags", image.project, [image_id], gone)
        if new := sorted(wanted - present):
            pairs = [models.ImageTagCreateEntry(image_id=image_id, tag_id=each) for each in new]
            answer = self._calls.call("create_image_tags", image.project, tags=pairs)
            if getattr(answer, "exceeded", None):
                raise Refused(_("Azure Custom Vision lets the image have no more tags."))

    def delete_images(self, images: Iterable[Image]) -> None:
        mirrored = [image for image in images if image.remote_id]
        for start in range(0, len(mirrored), BATCH):
            self._delete_images(mirrored[start : start + BATCH])

    def publish(self, iteration: Iteration, *, name: str) -> None:
        """Nobody answers under the name for the moment between two calls; if the second fails, all is as before."""
        published = [each for each in self._calls.iterations(iteration.project) if each.publish_name]
        if any(each.id == iteration.remote_id and each.publish_name == name for each in published):
            return
        silenced: list[RemoteIteration] = []
        try:
            for each in published:
                if each.id == iteration.remote_id or each.publish_name == name:
                    self._unpublish(iteration.project, each.id)
                    silenced.append(each)
            self._publish(iteration.project, iteration, name)
        except TrainingError:
            for each in silenced:
                self._publish_again(iteration.project, each)
            raise

    def unpublish(self, iteration: Iteration) -> None:
        if iteration.remote_id:
            self._unpublish(iteration.project, iteration.remote_id)

    def rename_iteration(self, iteration: Iteration) -> None:
        if iteration.remote_id:
            self._calls.call("update_iteration", iteration.project, iteration, iteration.name)

    def delete_iteration(self, iteration: Iteration) -> None:
        if iteration.remote_id:
            self._calls.call("delete_iteration", iteration.project, iteration, fine=GONE)

    def sync(self, project: Project) -> str:
        return sync.sync(self._calls, project)

    def make_known(self, tags: Iterable[Tag]) -> None:
        """See to it that Azure has these tags, whatever they went through."""
        for tag in tags:
            if tag.remote_id is None:
                self.create_tags([tag])
                tag.save(update_fields=["remote_id"])

    def _create_tag(self, tag: Tag) -> UUID:
        """Make a tag at Azure, or find the one of that name; return its id."""
        made = self._calls.ask(
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
        for remote in self._calls.tags(tag.project):
            if remote.name.lower() == tag.name.lower():
                return remote.id
        raise Refused(_("Azure Custom Vision refuses the tag %(name)s.") % {"name": tag.name})

    def _delete_images(self, images: Sequence[Image]) -> None:
        ids = [str(image.remote_id) for image in images]
        try:
            self._calls.call("delete_images", images[0].project, image_ids=ids)
        except Refused:  # one that is gone must not keep the others there
            for each in ids:
                self._calls.call("delete_images", images[0].project, image_ids=[each], fine=GONE)

    def _publish(self, project: Project, iteration: Iteration | UUID, name: str) -> None:
        self._calls.call(
            "publish_iteration",
            project,
            iteration,
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
        self._calls.call("unpublish_iteration", project, iteration_id, fine=fine)
