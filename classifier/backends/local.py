"""Classifr's own engine, in this process."""

from functools import cache, lru_cache
from threading import BoundedSemaphore

from django.conf import settings

from catalog.exceptions import StorageUnavailable
from classifier.backends.base import Answer, TagProbability
from classifier.exceptions import BackendMisconfigured, BackendUnavailable
from engine import backbones, heads
from engine.exceptions import ModelFileError
from engine.images import AdmittedPicture
from training.heads import read_head
from training.models import Iteration, Project


class LocalBackend:
    """Answers with an iteration of the project: backbone, vector, head."""

    needs_head = True

    def predict(
        self,
        photo: AdmittedPicture,
        *,
        project: Project,
        iteration: Iteration | None = None,
    ) -> Answer:
        iteration = iteration or project.live_iteration
        if iteration is None:
            raise BackendMisconfigured(f"No iteration of {project} is live.")
        backbone, head = load(iteration)
        with _turns():
            vector = backbone.vector(photo)
        shares = head.probabilities(vector[None])[0]
        probabilities = shares.tolist()
        return Answer(
            predictions=tuple(TagProbability(head.tags[i], probabilities[i]) for i in (-shares).argsort().tolist()),
            iteration_name=iteration.name,
            iteration=iteration,
            backbone=iteration.backbone,
            vector=vector,
        )

    def quick_test(self, photo: AdmittedPicture, *, iteration: Iteration) -> Answer:
        return self.predict(photo, project=iteration.project, iteration=iteration)


@cache
def _turns() -> BoundedSemaphore:
    """Let so many threads decode and compute as have a core; more would be no faster, and take memory each."""
    return BoundedSemaphore(settings.CLASSIFR_PREDICTIONS_AT_ONCE)


def load(iteration: Iteration) -> tuple[backbones.Backbone, heads.Head]:
    """Return the two parts of an iteration's model, read once in each process.

    Raises BackendUnavailable and BackendMisconfigured.
    """
    try:
        backbone = backbones.get(iteration.backbone, threads=settings.CLASSIFR_THREADS)
        return backbone, _head(iteration.head_key, backbone)
    except StorageUnavailable as exc:
        raise BackendUnavailable(str(exc)) from exc
    except ModelFileError as exc:
        raise BackendMisconfigured(str(exc)) from exc


@lru_cache(maxsize=16)
def _head(key: str, backbone: backbones.Backbone) -> heads.Head:
    """Read a head once in each process; the key names its content, so another iteration means another key."""
    head = read_head(key)
    heads.check_backbone(head, backbone.card)
    return head
