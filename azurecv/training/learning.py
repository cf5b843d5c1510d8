"""A training at Azure: begun once, waited for through outages."""

import time
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from azurecv.training import answers
from azurecv.training.answers import RemoteIteration
from azurecv.training.calls import Calls
from jobs.progress import Progress
from training import examples
from training.backends.base import TrainingOptions
from training.exceptions import BackendUnavailable, Refused, TrainingFailed
from training.models import Iteration, Project, Tag

POLL_S = 3.0
POLLS_IN_VAIN = 40  # in a row, before a training is given up for lost
TRAINING_TIMEOUT_S = 2 * 3600.0  # beyond the hours that an advanced training reserves

ASKED_AT = "azure_asked_at"
"""In an unmeasured iteration's metrics: when Azure was asked to train, whether or not its answer came."""


def begin(calls: Calls, iteration: Iteration, options: TrainingOptions, progress: Progress) -> UUID:
    """Let Azure begin, unless it did so when it was asked before; return the iteration's id there."""
    tags = _chosen_tags(iteration.project, options)
    if lost := _begun_before(calls, iteration):
        return lost.id
    iteration.metrics = {ASKED_AT: timezone.now().isoformat()}
    iteration.save(update_fields=["metrics"])
    return calls.ask(
        answers.read_id,
        "train_project",
        iteration.project,
        training_type="Advanced" if options.advanced else "Regular",
        reserved_budget_in_hours=options.reserved_hours if options.advanced else 0,
        force_train=options.force,
        selected_tags=[str(tag.remote_id) for tag in tags] if options.tags else None,
        repeats_errors=False,
        wait=lambda pause_s: _wait(pause_s, progress),
    )


def wait_for_end(calls: Calls, iteration: Iteration, options: TrainingOptions, progress: Progress) -> RemoteIteration:
    """Look every few seconds until Azure has completed it. Raises TrainingFailed and JobStopped."""
    limit_s = TRAINING_TIMEOUT_S + (3600 * options.reserved_hours if options.advanced else 0)
    deadline = time.monotonic() + limit_s
    in_vain = 0
    while True:
        progress.check()
        try:
            remote = _look(calls, iteration, progress)
            in_vain = 0
            if remote.status == answers.FAILED:
                raise TrainingFailed(why_failed(remote))
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


def seconds_taken(iteration: Iteration, remote: RemoteIteration) -> float | None:
    """Return how long it took since Azure was asked; None where either moment is not known."""
    asked_at = iteration.metrics.get(ASKED_AT)
    if asked_at is None or remote.trained_at is None:
        return None
    return max((remote.trained_at - datetime.fromisoformat(asked_at)).total_seconds(), 0.0)


def why_failed(remote: RemoteIteration) -> str:
    if remote.error:
        return _("Azure Custom Vision could not train: %(why)s") % {"why": remote.error}
    return _("Azure Custom Vision could not train and does not say why.")


def _chosen_tags(project: Project, options: TrainingOptions) -> list[Tag]:
    """Return the tags to train on, or raise Refused where Azure would refuse them."""
    chosen = examples.check(project, only=options.tags)
    sent = Count("image_tags", filter=Q(image_tags__image__remote_id__isnull=False))
    counts = dict(project.tags.annotate(sent=sent).values_list("pk", "sent"))
    # Images that are held out stay here.
    there = {tag: counts[tag.pk] + tag.images_elsewhere for tag in chosen}
    few = [f"{tag.name} ({count})" for tag, count in there.items() if count < examples.LEAST_IMAGES]
    if few:
        raise Refused(
            _("Azure Custom Vision needs at least %(count)s images of each tag. Too few: %(tags)s.")
            % {"count": examples.LEAST_IMAGES, "tags": ", ".join(few)}
        )
    return chosen


def _begun_before(calls: Calls, iteration: Iteration) -> RemoteIteration | None:
    """Return the training that Azure was asked for by a process that died before it heard the answer."""
    asked_at = iteration.metrics.get(ASKED_AT)
    if asked_at is None:
        return None
    known = set(iteration.project.iterations.values_list("remote_id", flat=True))
    since = datetime.fromisoformat(asked_at)
    for remote in calls.iterations(iteration.project):
        is_recent = not remote.is_over or (remote.trained_at is not None and remote.trained_at >= since)
        if remote.id not in known and is_recent:
            return remote
    return None


def _look(calls: Calls, iteration: Iteration, progress: Progress) -> RemoteIteration:
    remote = calls.ask(
        lambda answer: answer and answers.read_iteration(answer),
        "get_iteration",
        iteration.project,
        iteration,
        fine=("NotFoundIteration",),
        wait=lambda pause_s: _wait(pause_s, progress),
    )
    if remote is None:
        raise TrainingFailed(_("Somebody deleted the iteration at Azure Custom Vision."))
    return remote


def _wait(seconds: float, progress: Progress) -> None:
    """Sleep, and hear within a second that the job is to stop. Raises JobStopped."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        progress.check()
        time.sleep(min(left, 1.0))
