"""Azure Custom Vision, by its official SDK."""

import hashlib
import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from azure.cognitiveservices.vision.customvision.training import CustomVisionTrainingClient, models
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Max, Q
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from accounts.models import User
from catalog.refusals import refusal_sentence
from engine import images
from engine.exceptions import RefusedPicture
from engine.metrics import Score
from jobs.progress import Progress
from training import azure, keeping
from training.azure import Patience, RemoteIteration, RemotePerformance, RemoteTag
from training.backends.base import (
    Capabilities,
    Domain,
    ImageStatus,
    ImageUpload,
    Performance,
    TagPerformance,
    TrainingOptions,
    UploadResult,
)
from training.exceptions import (
    AlreadyTraining,
    BackendMisconfigured,
    BackendUnavailable,
    NothingChanged,
    Refused,
    TrainingError,
    TrainingFailed,
)
from training.models import Image, Iteration, Project, Tag

logger = logging.getLogger(__name__)

ATTEMPTS = 6
BACK_OFF_S = 1.0  # doubled before each further attempt
MOST_WAIT_S = 60.0  # a longer wait is the caller's to decide
UPLOAD_TIMEOUT_S = 120.0
MOST_UPLOAD_BYTES = 50_000_000  # of one request; Azure gives up at some 55 MB
POLL_S = 3.0
POLLS_IN_VAIN = 40  # in a row, before a training is given up for lost
TRAINING_TIMEOUT_S = 2 * 3600.0  # beyond the hours that an advanced training reserves
LEAST_TAGS = 2
LEAST_IMAGES_A_TAG = 5

THRESHOLD = 0.5
ASKED_AT = "azure_asked_at"
"""In an unmeasured iteration's metrics: when Azure was asked to train, whether or not its answer came."""

GONE = ("NotFound",)

_pace = azure.Pace()
T = TypeVar("T")


class CustomVisionBackend:
    """Has Azure train and measure; every call answers for itself, none happens inside a transaction of ours."""

    capabilities = Capabilities(measures_itself=True, advanced_training=True, changes_elsewhere=True)

    def domains(self) -> tuple[Domain, ...]:
        return self._ask(_read_domains, "get_domains")

    def create_project(self, project: Project) -> None:
        if project.remote_id:
            self._adopt_project(project)
            return
        domain = next((each for each in self.domains() if each.name == project.domain), None)
        if domain is None:
            raise Refused(_("Azure Custom Vision has no domain %(name)s.") % {"name": project.domain})
        project.remote_id = self._ask(
            _read_id,
            "create_project",
            project.name,
            description=project.description,
            domain_id=domain.id,
            classification_type=project.type,
            repeats_errors=False,
        )

    def delete_project(self, project: Project) -> None:
        if project.remote_id:
            self._call("delete_project", str(project.remote_id), fine=GONE)

    def create_tags(self, tags: Sequence[Tag]) -> None:
        for tag in tags:
            if tag.remote_id is None:
                tag.remote_id = self._create_tag(tag).id

    def delete_tag(self, tag: Tag) -> None:
        if tag.remote_id:
            self._call("delete_tag", _remote_id(tag.project), str(tag.remote_id), fine=GONE)

    def upload_images(
        self, project: Project, batch: Sequence[ImageUpload], *, by: User | None
    ) -> tuple[UploadResult, ...]:
        keeping.check_batch(batch)
        _remote_id(project)
        results: dict[int, UploadResult] = {}
        to_send: list[tuple[int, ImageUpload]] = []
        for index, upload in enumerate(batch):
            refusal = keeping.refused(project, upload)
            if refusal:
                results[index] = refusal
            elif upload.held_out:  # Azure would train on it
                results[index] = keeping.keep_image(project, upload, by=by)
            else:
                to_send.append((index, upload))
        self._make_known({tag for _index, upload in to_send for tag in upload.tags})
        for part in _parts(to_send, results):
            answers = self._send(project, part)
            for entry in part:
                results[entry.index] = _kept(project, entry, answers.get(entry.name), by=by)
        return tuple(results[index] for index in range(len(batch)))

    def set_tags(self, image: Image, tags: Sequence[Tag]) -> None:
        if image.remote_id is None:
            return
        self._make_known(tags)
        project_id, image_id = _remote_id(image.project), str(image.remote_id)
        wanted = {str(tag.remote_id) for tag in tags}
        present = {str(tag.remote_id) for tag in image.tags.all() if tag.remote_id}
        if gone := sorted(present - wanted):
            self._call("delete_image_tags", project_id, [image_id], gone)
        if new := sorted(wanted - present):
            pairs = [models.ImageTagCreateEntry(image_id=image_id, tag_id=each) for each in new]
            answer = self._call("create_image_tags", project_id, tags=pairs)
            if getattr(answer, "exceeded", None):
                raise Refused(_("Azure Custom Vision lets the image have no more tags."))

    def delete_images(self, images: Sequence[Image]) -> None:
        ids = [str(image.remote_id) for image in images if image.remote_id]
        if not ids:
            return
        project_id = _remote_id(images[0].project)
        try:
            self._call("delete_images", project_id, image_ids=ids)
        except Refused:  # one that is gone must not keep the others there
            for each in ids:
                self._call("delete_images", project_id, image_ids=[each], fine=GONE)

    def train(self, iteration: Iteration, *, options: TrainingOptions, progress: Progress) -> None:
        progress.begin(_("Asking Azure Custom Vision to train"))
        if iteration.remote_id is None:
            iteration.remote_id = self._begin(iteration, options, progress)
            iteration.status = Iteration.Status.TRAINING
            iteration.save(update_fields=["remote_id", "status"])
        progress.begin(_("Azure Custom Vision is training"))
        limit_s = TRAINING_TIMEOUT_S + (3600 * options.reserved_hours if options.advanced else 0)
        remote = self._wait_for_end(iteration, progress, limit_s=limit_s)
        if remote.status == azure.FAILED:
            raise TrainingFailed(_why_failed(remote))
        performance = self._performance(iteration.project, remote.id, THRESHOLD)
        iteration.training_seconds = _training_seconds(iteration, remote)
        _mirror_iteration(iteration, remote, performance)
        iteration.save(update_fields=[*_MIRRORED, "training_seconds"])
        logger.info("Trained at Azure iteration=%s project=%s", iteration.pk, iteration.project_id)

    def performance(self, iteration: Iteration, *, threshold: float) -> Performance:
        found = self._performance(iteration.project, UUID(_remote_id(iteration)), threshold)
        return Performance(
            threshold=threshold,
            overall=found.overall,
            per_tag=tuple(TagPerformance(name, score, pictures=None) for name, score in found.per_tag),
        )

    def publish(self, iteration: Iteration, *, name: str) -> None:
        """Nobody answers under the name for the moment between two calls; if the second fails, all is as before."""
        if not settings.CLASSIFR_CUSTOMVISION_PREDICTION_RESOURCE_ID:
            raise BackendMisconfigured(
                _("Publishing needs %(name)s in the environment: the resource that answers.")
                % {"name": "CLASSIFR_CUSTOMVISION_PREDICTION_RESOURCE_ID"}
            )
        there = self._iterations(iteration.project)
        ours = next((each for each in there if each.id == iteration.remote_id), None)
        if ours is None:
            raise Refused(_("Azure Custom Vision no longer has %(name)s.") % {"name": iteration.name})
        if ours.publish_name == name:
            return
        holder = next((each for each in there if each.publish_name == name), None)
        silenced: list[RemoteIteration] = []
        try:
            for each in (ours, holder):
                if each and each.publish_name:
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

    def delete_iteration(self, iteration: Iteration) -> None:
        if iteration.remote_id:
            project_id = _remote_id(iteration.project)
            self._call("delete_iteration", project_id, str(iteration.remote_id), fine=GONE)

    def sync(self, project: Project) -> str:
        # What is made here while Azure is being asked is not in its answer, and yet is not gone.
        tags, iterations = list(project.tags.all()), list(project.iterations.all())
        remote_tags, remote_iterations = self._tags(project), self._iterations(project)
        measured = {row.remote_id for row in iterations if row.status == Iteration.Status.COMPLETED}
        performances = {
            each.id: self._performance(project, each.id, THRESHOLD)
            for each in remote_iterations
            if each.status == azure.COMPLETED and each.id not in measured
        }
        with transaction.atomic():
            locked = Project.objects.select_for_update().get(pk=project.pk)
            tag_changes = _mirror_tags(locked, tags, remote_tags)
            iteration_changes = _mirror_iterations(locked, iterations, remote_iterations, performances)
        project.refresh_from_db(fields=["iterations_made"])
        return _sync_sentence(tag_changes, iteration_changes)

    def _call(
        self,
        name: str,
        *args: Any,
        fine: tuple[str, ...] = (),
        repeats_errors: bool = True,
        wait: Callable[[float], None] = time.sleep,
        **values: Any,
    ) -> Any:
        """Make one call of the SDK; return None where Azure answers with a code that begins so."""
        with _meant():
            operation = getattr(self._client, name)

            def attempt() -> Any:
                _pace.wait_turn(per_second=settings.CLASSIFR_CUSTOMVISION_CALLS_PER_SECOND)
                return operation(*args, **values)

            patience = Patience(ATTEMPTS, BACK_OFF_S, MOST_WAIT_S, repeats_errors=repeats_errors)
            try:
                return azure.call(attempt, patience=patience, wait=wait)
            except azure.Declined as exc:
                if exc.code.startswith(fine):
                    return None
                raise

    def _ask(self, read: Callable[[Any], T], name: str, *args: Any, **values: Any) -> T:
        """Make one call and read its answer."""
        answer = self._call(name, *args, **values)
        with _meant():
            return read(answer)

    @cached_property
    def _client(self) -> Any:
        return azure.connect(
            CustomVisionTrainingClient,
            endpoint="CLASSIFR_CUSTOMVISION_TRAINING_ENDPOINT",
            key="CLASSIFR_CUSTOMVISION_TRAINING_KEY",
            header="Training-key",
        )

    def _tags(self, project: Project) -> list[RemoteTag]:
        return self._ask(azure.read_tags, "get_tags", _remote_id(project))

    def _iterations(self, project: Project) -> list[RemoteIteration]:
        return self._ask(azure.read_iterations, "get_iterations", _remote_id(project))

    def _performance(self, project: Project, iteration_id: UUID, threshold: float) -> RemotePerformance:
        return self._ask(
            _read_performance,
            "get_iteration_performance",
            _remote_id(project),
            str(iteration_id),
            threshold=threshold,
            fine=("NotFoundIterationPerformance",),
        )

    def _adopt_project(self, project: Project) -> None:
        """Take over type and domain of the project at Azure that the row names."""
        found = self._call("get_project", _remote_id(project))
        with _meant(), azure.reading():
            type_, domain_id = found.settings.classification_type, found.settings.domain_id
        domain = next((each for each in self.domains() if each.id == domain_id), None)
        if domain is None or type_ not in Project.Type.values:
            raise Refused(_("The project at Azure Custom Vision is none of classification."))
        project.type = type_
        project.domain = Project.Domain.FOOD if domain.name.startswith("Food") else Project.Domain.GENERAL

    def _create_tag(self, tag: Tag) -> RemoteTag:
        """Make a tag at Azure, or find the one of that name."""
        made = self._call(
            "create_tag",
            _remote_id(tag.project),
            tag.name,
            description=tag.description,
            type=tag.type,
            fine=("BadRequestTagNameNotUnique",),
        )
        if made:
            with _meant():
                return azure.read_tag(made)
        for found in self._tags(tag.project):
            if found.name.lower() == tag.name.lower():
                return found
        raise Refused(_("Azure Custom Vision refuses the tag %(name)s.") % {"name": tag.name})

    def _make_known(self, tags: Iterable[Tag]) -> None:
        """See to it that Azure has these tags, whatever they went through."""
        for tag in tags:
            if tag.remote_id is None:
                self.create_tags([tag])
                tag.save(update_fields=["remote_id"])

    def _send(self, project: Project, part: "Sequence[_Entry]") -> "dict[str, _Received]":
        """Send pictures in one request; return what became of each, by the name that it was sent under."""
        entries = [
            models.ImageFileCreateEntry(
                name=entry.name,
                contents=bytearray(entry.content),
                tag_ids=[str(tag.remote_id) for tag in _tags_to_send(project, entry)],
            )
            for entry in part
        ]
        timeout_s = max(UPLOAD_TIMEOUT_S, settings.CLASSIFR_CUSTOMVISION_TIMEOUT_SECONDS)
        batch = models.ImageFileCreateBatch(images=entries)
        return self._ask(_read_received, "create_images_from_files", _remote_id(project), batch, timeout=timeout_s)

    def _begin(self, iteration: Iteration, options: TrainingOptions, progress: Progress) -> UUID:
        """Let Azure begin, unless it did so when it was asked before; return the iteration's id there."""
        project = iteration.project
        tags = _chosen_tags(project, options)
        if lost := self._begun_before(iteration):
            return lost.id
        iteration.metrics = {ASKED_AT: timezone.now().isoformat()}
        iteration.save(update_fields=["metrics"])
        begun = self._ask(
            azure.read_iteration,
            "train_project",
            _remote_id(project),
            training_type="Advanced" if options.advanced else "Regular",
            reserved_budget_in_hours=options.reserved_hours if options.advanced else 0,
            force_train=options.force,
            selected_tags=[str(tag.remote_id) for tag in tags] if options.tags else None,
            repeats_errors=False,
            wait=lambda pause_s: _wait(pause_s, progress),
        )
        return begun.id

    def _begun_before(self, iteration: Iteration) -> RemoteIteration | None:
        """Return the training that Azure was asked for by a process that died before it heard the answer."""
        asked_at = iteration.metrics.get(ASKED_AT)
        if asked_at is None:
            return None
        known = set(iteration.project.iterations.values_list("remote_id", flat=True))
        since = datetime.fromisoformat(asked_at)
        for remote in self._iterations(iteration.project):
            is_recent = not remote.is_over or (remote.trained_at is not None and remote.trained_at >= since)
            if remote.id not in known and is_recent:
                return remote
        return None

    def _wait_for_end(self, iteration: Iteration, progress: Progress, *, limit_s: float) -> RemoteIteration:
        """Look every few seconds, through outages too. Raises TrainingFailed and JobStopped."""
        deadline = time.monotonic() + limit_s
        in_vain = 0
        while True:
            progress.check()
            try:
                remote = self._look(iteration, progress)
                in_vain = 0
                if remote.is_over:
                    return remote
            except BackendUnavailable:
                in_vain += 1
                if in_vain >= POLLS_IN_VAIN:
                    raise
            if time.monotonic() >= deadline:
                raise TrainingFailed(
                    _("Azure Custom Vision is still training after %(hours)s hours; synchronise the project later.")
                    % {"hours": round(limit_s / 3600, 1)}
                )
            _wait(POLL_S, progress)

    def _look(self, iteration: Iteration, progress: Progress) -> RemoteIteration:
        found = self._call(
            "get_iteration",
            _remote_id(iteration.project),
            _remote_id(iteration),
            fine=("NotFoundIteration",),
            wait=lambda pause_s: _wait(pause_s, progress),
        )
        if found is None:
            raise TrainingFailed(_("Somebody deleted the iteration at Azure Custom Vision."))
        with _meant():
            return azure.read_iteration(found)

    def _publish(self, project: Project, iteration_id: UUID, name: str) -> None:
        self._call(
            "publish_iteration",
            _remote_id(project),
            str(iteration_id),
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
        self._call("unpublish_iteration", _remote_id(project), str(iteration_id), fine=fine)


@contextmanager
def _meant() -> Iterator[None]:
    """Raise what a failed call means for whoever asked."""
    try:
        yield
    except azure.CallFailed as exc:
        raise _meaning(exc) from exc


def _meaning(exc: azure.CallFailed) -> TrainingError:
    if isinstance(exc, azure.NotSetUp):
        return BackendMisconfigured(str(exc))
    if isinstance(exc, azure.Unreadable):
        return BackendUnavailable(_("Azure Custom Vision gave an answer that cannot be read."))
    if not isinstance(exc, azure.Declined):
        return BackendUnavailable(_("Azure Custom Vision cannot be reached."))
    if exc.is_busy:
        return BackendUnavailable(_("Azure Custom Vision is busy (status %(status)s).") % {"status": exc.status})
    return _refusal(exc)


def _refusal(exc: azure.Declined) -> TrainingError:
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


def _remote_id(row: Project | Iteration) -> str:
    """Return the id at Azure, or raise Refused."""
    if row.remote_id is None:
        raise Refused(_("Azure Custom Vision does not know %(name)s.") % {"name": row.name})
    return str(row.remote_id)


def _read_id(answer: Any) -> UUID:
    with azure.reading():
        return UUID(answer.id)


def _read_domains(answer: Any) -> tuple[Domain, ...]:
    with azure.reading():
        return tuple(
            Domain(str(each.id), str(each.name), can_export=bool(each.exportable))
            for each in answer
            if each.type == "Classification"
        )


def _read_performance(answer: Any) -> RemotePerformance:
    """Read figures; there are none where Azure did not measure."""
    return RemotePerformance(Score(None, None, None), ()) if answer is None else azure.read_performance(answer)


def _wait(seconds: float, progress: Progress) -> None:
    """Sleep, and hear within a second that the job is to stop. Raises JobStopped."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        progress.check()
        time.sleep(min(left, 1.0))


@dataclass(frozen=True)
class _Entry:
    """One picture on its way to Azure."""

    index: int
    """Its place in the batch."""
    upload: ImageUpload
    content: bytes
    """Without metadata."""

    @property
    def name(self) -> str:
        """What the answer calls it; the file's own name stays here."""
        return f"image {self.index:02}"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


_Received = tuple[str, UUID | None]
"""Status and image id, as Azure says them."""


def _read_received(answer: Any) -> dict[str, _Received]:
    with azure.reading():
        return {
            str(each.source_url): (str(each.status), UUID(each.image.id) if each.image else None)
            for each in answer.images
        }


def _parts(uploads: Sequence[tuple[int, ImageUpload]], results: dict[int, UploadResult]) -> Iterator[list[_Entry]]:
    """Yield the pictures in requests that Azure takes; what cannot be freed of its metadata goes to the results."""
    part: list[_Entry] = []
    byte_size = 0
    for index, upload in uploads:
        try:
            entry = _Entry(index, upload, images.strip_metadata(upload.content))
        except RefusedPicture as exc:
            detail = refusal_sentence(exc)
            results[index] = UploadResult(upload.name, ImageStatus.ERROR_IMAGE_FORMAT, detail=detail)
            continue
        size = len(entry.content) * 4 // 3 + 1000  # as base64, with its name and tags
        if part and byte_size + size > MOST_UPLOAD_BYTES:
            yield part
            part, byte_size = [], 0
        part.append(entry)
        byte_size += size
    if part:
        yield part


def _tags_to_send(project: Project, entry: _Entry) -> Collection[Tag]:
    """Return the upload's tags; those that the image has if it may have no others, as Azure would add to them."""
    there = project.images.filter(picture__sha256=entry.sha256).first()
    present = list(there.tags.all()) if there else []
    is_settled = present and (
        not project.is_multilabel or any(tag.is_negative for tag in [*present, *entry.upload.tags])
    )
    return [tag for tag in present if tag.remote_id] if is_settled else entry.upload.tags


def _kept(project: Project, entry: _Entry, received: _Received | None, *, by: User | None) -> UploadResult:
    """Keep here what Azure took."""
    status, remote_id = received or ("", None)
    if status not in {ImageStatus.OK, ImageStatus.OK_DUPLICATE} or remote_id is None:
        return _not_kept(entry.upload.name, status)
    twin = project.images.filter(remote_id=remote_id).exclude(picture__sha256=entry.sha256).first()
    if twin:  # another file that Azure holds for the same image
        keeping.add_tags(twin, entry.upload.tags)
        return UploadResult(entry.upload.name, ImageStatus.OK_DUPLICATE, twin)
    result = keeping.keep_image(project, entry.upload, by=by, remote_id=remote_id)
    if result.image and result.image.remote_id != remote_id:
        result.image.remote_id = remote_id
        result.image.save(update_fields=["remote_id"])
    if status == ImageStatus.OK_DUPLICATE and result.status.is_ok:
        return replace(result, status=ImageStatus.OK_DUPLICATE)
    return result


def _not_kept(name: str, status: str) -> UploadResult:
    if status not in set(ImageStatus) or ImageStatus(status).is_ok:
        detail = _("Azure Custom Vision does not say what became of it; send it again.")
        return UploadResult(name, ImageStatus.ERROR_UNKNOWN, detail=detail)
    sentence = _("Azure Custom Vision does not take it: %(why)s.")
    why = _WHY.get(ImageStatus(status), lambda: status)()
    return UploadResult(name, ImageStatus(status), detail=sentence % {"why": why})


_WHY: dict[ImageStatus, Callable[[], str]] = {
    ImageStatus.ERROR_IMAGE_FORMAT: lambda: _("it cannot read it as a picture"),
    ImageStatus.ERROR_IMAGE_SIZE: lambda: _("the file is too large"),
    ImageStatus.ERROR_IMAGE_DIMENSIONS: lambda: _("its sides are too long or too unequal"),
    ImageStatus.ERROR_STORAGE: lambda: _("it could not store it, try again"),
    ImageStatus.ERROR_LIMIT_EXCEED: lambda: _("the project is full"),
    ImageStatus.ERROR_TAG_LIMIT_EXCEED: lambda: _("it has too many tags"),
    ImageStatus.ERROR_INVALID_TAG: lambda: _("a tag is not known there, synchronise the project"),
    ImageStatus.ERROR_NEGATIVE_AND_REGULAR_TAG: lambda: _("a negative tag excludes every other tag"),
    ImageStatus.ERROR_UNKNOWN: lambda: _("it does not say why"),
}


def _chosen_tags(project: Project, options: TrainingOptions) -> list[Tag]:
    """Return the tags to train on, or raise Refused where Azure would refuse them."""
    sent = Count("image_tags", filter=Q(image_tags__image__remote_id__isnull=False))
    tags = {tag.name: (tag, count) for tag, count in _counted(project.tags.annotate(sent=sent))}
    if unknown := sorted(set(options.tags) - tags.keys()):
        raise Refused(_("The project has no tag %(names)s.") % {"names": ", ".join(unknown)})
    chosen = [each for name, each in tags.items() if not options.tags or name in options.tags]
    if len(chosen) < LEAST_TAGS or all(tag.is_negative for tag, _count in chosen):
        raise Refused(_("Azure Custom Vision needs at least %(count)s tags to train.") % {"count": LEAST_TAGS})
    few = [f"{tag.name} ({count})" for tag, count in chosen if count < LEAST_IMAGES_A_TAG or tag.remote_id is None]
    if few:
        raise Refused(
            _("Azure Custom Vision needs at least %(count)s images of each tag. Too few: %(tags)s.")
            % {"count": LEAST_IMAGES_A_TAG, "tags": ", ".join(few)}
        )
    return [tag for tag, _count in chosen]


def _counted(tags: Iterable[Any]) -> Iterator[tuple[Tag, int]]:
    for tag in tags:
        yield tag, tag.sent


def _why_failed(remote: RemoteIteration) -> str:
    if remote.error:
        return _("Azure Custom Vision could not train: %(why)s") % {"why": remote.error}
    return _("Azure Custom Vision could not train and does not say why.")


def _training_seconds(iteration: Iteration, remote: RemoteIteration) -> float | None:
    asked_at = iteration.metrics.get(ASKED_AT)
    if asked_at is None or remote.trained_at is None:
        return None
    return max((remote.trained_at - datetime.fromisoformat(asked_at)).total_seconds(), 0.0)


@dataclass
class _Changes:
    """How many rows a synchronisation touched."""

    new: int = 0
    changed: int = 0
    deleted: int = 0


def _mirror_tags(project: Project, known: Sequence[Tag], remote: Sequence[RemoteTag]) -> _Changes:
    """Let the tags be those that Azure has; in a transaction."""
    ids = {each.id for each in remote}
    gone = [tag.pk for tag in known if tag.remote_id and tag.remote_id not in ids]
    Tag.objects.filter(pk__in=gone).delete()
    rows = list(project.tags.all())
    there = {tag.remote_id: tag for tag in rows if tag.remote_id}
    unknown_there = {tag.name.lower(): tag for tag in rows if tag.remote_id is None}
    pending = []
    for each in remote:
        tag = there.get(each.id) or unknown_there.get(each.name.lower()) or Tag(project=project)
        before = (tag.remote_id, tag.name, tag.type)
        tag.remote_id, tag.name, tag.type = each.id, each.name, each.type
        if before != (each.id, each.name, each.type) and each.type in Tag.Type.values:
            pending.append(tag)
    return replace(_save_in_any_order(pending), deleted=len(gone))


def _save_in_any_order(tags: list[Tag]) -> _Changes:
    """Save tags of which one may take the name that another gives up; leave those that fit in no order."""
    changes = _Changes()
    while tags:
        left = []
        for tag in tags:
            is_new = tag.pk is None
            if not _is_saved(tag):
                left.append(tag)
            elif is_new:
                changes.new += 1
            else:
                changes.changed += 1
        if len(left) == len(tags):
            logger.warning("Tags at Azure that do not fit here: %s", ", ".join(tag.name for tag in left))
            break
        tags = left
    return changes


def _is_saved(tag: Tag) -> bool:
    try:
        with transaction.atomic():
            tag.save()
    except IntegrityError:
        return False
    return True


_MIRRORED = ["name", "status", "training_type", "publish_name", "trained_at", "metrics", "error"]


def _mirror_iterations(
    project: Project,
    known: Sequence[Iteration],
    remote: Sequence[RemoteIteration],
    performances: Mapping[UUID, RemotePerformance],
) -> _Changes:
    """Let the iterations be those that Azure has, but for those in training and a live one; in a transaction."""
    changes = _Changes(deleted=_delete_gone(project, known, {each.id for each in remote}))
    there = {row.remote_id: row for row in project.iterations.all()}
    # Of two that swap their names the first to be saved must not meet the other.
    for each in remote:
        project.iterations.filter(remote_id=each.id).exclude(publish_name=each.publish_name).update(publish_name="")
    for each in sorted(remote, key=lambda each: each.trained_at or timezone.now()):
        row = there.get(each.id)
        if not each.is_over or (row and row.status in {Iteration.Status.NEW, Iteration.Status.TRAINING}):
            continue
        row = row or Iteration(project=project, remote_id=each.id, number=_next_number(project))
        before = [getattr(row, name) for name in _MIRRORED]
        _mirror_iteration(row, each, performances.get(each.id))
        if row.pk is None:
            changes.new += 1
        elif before != [getattr(row, name) for name in _MIRRORED]:
            changes.changed += 1
        row.save()
    return changes


def _delete_gone(project: Project, known: Sequence[Iteration], ids: set[UUID]) -> int:
    in_training = {Iteration.Status.NEW, Iteration.Status.TRAINING}
    gone = [
        row.pk
        for row in known
        if row.remote_id
        and row.remote_id not in ids
        and row.status not in in_training
        and row.pk != project.live_iteration_id
    ]
    project.iterations.filter(pk__in=gone).delete()
    return len(gone)


def _next_number(project: Project) -> int:
    """Take the next number, on a locked project."""
    highest = project.iterations.aggregate(highest=Max("number"))["highest"] or 0
    project.iterations_made = max(project.iterations_made, highest) + 1
    project.save(update_fields=["iterations_made"])
    return project.iterations_made


def _mirror_iteration(row: Iteration, remote: RemoteIteration, performance: RemotePerformance | None) -> None:
    """Give the row what Azure says of an iteration that is over, unsaved."""
    is_completed = remote.status == azure.COMPLETED
    row.name = remote.name[:100]
    row.status = Iteration.Status.COMPLETED if is_completed else Iteration.Status.FAILED
    row.training_type = "Advanced" if remote.training_type == "Advanced" else "Regular"
    row.publish_name = remote.publish_name[:100] if is_completed else ""
    row.trained_at = remote.trained_at
    row.error = "" if is_completed else row.error or _why_failed(remote)
    if performance:
        row.metrics = {
            "precision": performance.overall.precision,
            "recall": performance.overall.recall,
            "average_precision": performance.overall.average_precision,
            "threshold": THRESHOLD,
            "measured_by": "Azure Custom Vision",
        }


def _sync_sentence(tags: _Changes, iterations: _Changes) -> str:
    if tags == iterations == _Changes():
        return _("Nothing has changed at Azure Custom Vision.")
    sentence = _(
        "Brought in line with Azure Custom Vision: tags %(new_tags)s new, %(changed_tags)s changed, %(deleted_tags)s "
        "deleted; iterations %(new)s new, %(changed)s changed, %(deleted)s deleted."
    )
    return sentence % {
        "new_tags": tags.new,
        "changed_tags": tags.changed,
        "deleted_tags": tags.deleted,
        "new": iterations.new,
        "changed": iterations.changed,
        "deleted": iterations.deleted,
    }
