"""What trains a project, and who keeps a copy of its rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from accounts.models import User
from jobs.progress import Progress
from training.figures import Performance
from training.models import Image, Iteration, Project, Tag
from training.uploads import ImageUpload, UploadResult


@dataclass(frozen=True)
class Capabilities:
    """How a trainer differs from others."""

    needs_vectors: bool = False
    """Pictures are to be embedded here before it trains."""
    measures_itself: bool = False
    """Its measures may be the service's own, made on pictures that it chose: then there is no snapshot to look into."""


@dataclass(frozen=True)
class Domain:
    """What a project may be about; decides what its training starts from."""

    id: str
    """The service's own id; for the local engine the backbone's name."""
    name: str
    """As `Project.domain` holds it."""


@dataclass(frozen=True)
class TrainingOptions:
    """How a training is asked for."""

    tags: tuple[str, ...] = ()
    """Names of the only tags to train on; empty: all of them, which is what one nearly always wants."""
    force: bool = False
    """Train though nothing has changed."""
    advanced: bool = False
    reserved_hours: int = 0
    """Hours that an advanced training may cost at most."""
    seed: int = 0


@runtime_checkable
class Trainer(Protocol):
    """Learns from a project's images. Made once in each process.

    The rows of Project, Tag, Image and Iteration are ours whoever trains: services make and change them. Everything may
    raise BackendUnavailable, BackendMisconfigured and Refused.
    """

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def mirror(self) -> Mirror | None:
        """Return who keeps the copy of our rows that it trains on; None: it trains on our rows."""

    def domains(self) -> tuple[Domain, ...]:
        """Return what a project may be about."""

    def upload_images(
        self, project: Project, batch: Sequence[ImageUpload], *, by: User | None
    ) -> tuple[UploadResult, ...]:
        """Add pictures with their tags, at most BATCH of them and TAGS_A_BATCH different tags.

        Each one is added or refused by itself; the results are in the order of the pictures. Safe to call again: what
        is there already is OKDuplicate.
        """

    def train(self, iteration: Iteration, *, options: TrainingOptions, progress: Progress) -> None:
        """Bring the iteration to its end and save it as Completed.

        Called in a job and safe to call again for the same iteration when the job's process died: what was begun is
        gone on with. Raises NothingChanged, TrainingFailed, StorageUnavailable, ModelFileError and JobStopped; then the
        caller marks the iteration.
        """

    def performance(self, iteration: Iteration, *, threshold: float) -> Performance:
        """Return the figures of a completed iteration."""

    def check_fit_to_answer(self, iteration: Iteration) -> None:
        """Raise Refused, or what keeps one from knowing, unless a completed iteration can be published.

        Called before every publication. Raises StorageUnavailable and ModelFileError too.
        """


@runtime_checkable
class Mirror(Protocol):
    """Keeps a copy of a project's rows elsewhere: each act is carried out there before our rows are changed.

    A row's counterpart is named by its `remote_id`; for a row without one there is nothing to do. Everything may raise
    BackendUnavailable, BackendMisconfigured and Refused.
    """

    def create_project(self, project: Project) -> None:
        """Make the counterpart of a project that is not saved yet; set `remote_id`, unsaved."""

    def delete_project(self, project: Project) -> None:
        """Delete the counterpart, its images and its iterations; none of them is published."""

    def create_tags(self, tags: Sequence[Tag]) -> None:
        """Make the counterparts of tags of one project that are not saved yet; set `remote_id`, unsaved."""

    def rename_tag(self, tag: Tag) -> None:
        """Give the counterpart the tag's new name, which is not saved yet."""

    def delete_tag(self, tag: Tag) -> None: ...

    def set_tags(self, image: Image, tags: Sequence[Tag]) -> None:
        """Let the counterpart of an image have exactly these tags."""

    def delete_images(self, images: Iterable[Image]) -> None:
        """Delete the counterparts of images of one project, however many."""

    def publish(self, iteration: Iteration, *, name: str) -> None:
        """Let the counterpart answer under that name, and no other."""

    def unpublish(self, iteration: Iteration) -> None:
        """Let the counterpart no longer answer."""

    def rename_iteration(self, iteration: Iteration) -> None:
        """Give the counterpart the iteration's new name, which is not saved yet."""

    def delete_iteration(self, iteration: Iteration) -> None: ...

    def sync(self, project: Project) -> str:
        """Bring our rows of tags and iterations in line with what others did to them; say in a sentence what did."""
