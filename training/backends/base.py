"""What a training backend is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from accounts.models import User
from jobs.progress import Progress
from training.figures import Performance
from training.models import Image, Iteration, Project, Tag
from training.uploads import ImageUpload, UploadResult


@dataclass(frozen=True)
class Capabilities:
    """What a backend can do beyond what every one can."""

    measures_itself: bool = False
    """Its measures are the service's own, made on pictures that it chose; there is no snapshot to look into."""
    needs_vectors: bool = False
    """Pictures are to be embedded here before it trains."""
    can_export: bool = False
    advanced_training: bool = False
    """It takes a training type and a budget of hours."""
    changes_elsewhere: bool = False
    """Others may change tags and iterations behind our back: `sync` is worth calling."""


@dataclass(frozen=True)
class Domain:
    """What a project may be about; decides what its training starts from."""

    id: str
    """The service's own id; for the local engine the backbone's name."""
    name: str
    """As `Project.domain` holds it."""
    can_export: bool


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
class TrainingBackend(Protocol):
    """Where a project's images are learned from. Made once in each process.

    The rows of Project, Tag, Image and Iteration are ours whatever the backend: services make and change them, and ask
    the backend to do its part. Everything may raise BackendUnavailable, BackendMisconfigured and Refused.
    """

    capabilities: Capabilities

    def domains(self) -> tuple[Domain, ...]:
        """Return what a project may be about."""

    def create_project(self, project: Project) -> None:
        """Make the counterpart of a project whose row is about to be committed; may set `remote_id`, unsaved."""

    def delete_project(self, project: Project) -> None:
        """Delete the counterpart, its images and its iterations; none of them is published."""

    def create_tags(self, tags: Sequence[Tag]) -> None:
        """Make the counterparts of rows about to be committed, all of one project; may set `remote_id`, unsaved."""

    def rename_tag(self, tag: Tag) -> None:
        """Give the counterpart the tag's new name, which is not saved yet."""

    def delete_tag(self, tag: Tag) -> None: ...

    def upload_images(
        self, project: Project, batch: Sequence[ImageUpload], *, by: User | None
    ) -> tuple[UploadResult, ...]:
        """Keep pictures with their tags, at most BATCH of them and TAGS_A_BATCH different tags.

        Each one is kept or refused by itself; one result for each. Safe to call again: what is there already is
        OKDuplicate.
        """

    def set_tags(self, image: Image, tags: Sequence[Tag]) -> None:
        """Let the counterpart of an image have exactly these tags; called before our rows are changed."""

    def delete_images(self, images: Sequence[Image]) -> None:
        """Delete the counterparts, at most BATCH; called before our rows are deleted."""

    def train(self, iteration: Iteration, *, options: TrainingOptions, progress: Progress) -> None:
        """Bring the iteration to its end and save it as Completed.

        Called in a job and safe to call again for the same iteration when the job's process died: what was begun is
        gone on with. Raises NothingChanged, TrainingFailed, StorageUnavailable, ModelFileError and JobStopped; then the
        caller marks the iteration.
        """

    def performance(self, iteration: Iteration, *, threshold: float) -> Performance:
        """Return the figures of a completed iteration."""

    def publish(self, iteration: Iteration, *, name: str) -> None:
        """Let the iteration answer under that name, which no other has any more; refuse it if it is not fit to."""

    def unpublish(self, iteration: Iteration) -> None:
        """Let the iteration no longer answer under its name."""

    def rename_iteration(self, iteration: Iteration) -> None:
        """Give the counterpart the iteration's new name, which is not saved yet."""

    def delete_iteration(self, iteration: Iteration) -> None: ...

    def sync(self, project: Project) -> str:
        """Bring our rows of tags and iterations in line with what others did to them; say in a sentence what did."""
