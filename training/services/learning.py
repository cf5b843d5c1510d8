"""Train a project: start, run in a job, end well or badly."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from catalog.exceptions import StorageUnavailable
from engine.exceptions import ModelFileError
from jobs.exceptions import JobFailed
from jobs.models import Job
from jobs.progress import Progress
from jobs.services import Watch, do_here, enqueue, make_job
from training import examples
from training.backends import get_mirror, get_trainer
from training.backends.base import TrainingOptions
from training.exceptions import (
    AlreadyTraining,
    IsPublished,
    NameTaken,
    NothingChanged,
    Refused,
    TrainingError,
    TrainingFailed,
)
from training.models import Iteration, Project, Tag
from training.names import LONGEST_NAME, clean_name, same_name

logger = logging.getLogger(__name__)


def start_training(
    *, project: Project, options: TrainingOptions, by: User | None, api_settings: Mapping[str, Any] | None = None
) -> Iteration:
    """Make the next iteration and queue its training.

    Raises Refused, TooLittleData, NothingChanged and AlreadyTraining.
    """
    with transaction.atomic():
        iteration = _make_iteration(project, options, by, api_settings or {})
        enqueue(_job_of(iteration))
    return iteration


def train_here(*, project: Project, options: TrainingOptions, by: User | None, watch: Watch | None) -> Iteration:
    """Train in this process and return the iteration, completed or failed. Raises what `start_training` does."""
    with transaction.atomic():
        iteration = _make_iteration(project, options, by, {})
    job = do_here(_job_of(iteration), watch=watch)
    trained = Iteration.objects.filter(pk=iteration.pk).first()
    if trained is None:
        raise TrainingFailed(job.error or _("The iteration was deleted while it was trained."))
    return trained


def run_training(progress: Progress, *, iteration: int) -> dict[str, Any] | None:
    """Do the work of a training's job; called again after the death of its process it goes on.

    An iteration that has ended meanwhile is left alone.
    """
    row = Iteration.objects.in_training().select_related("project").filter(pk=iteration).first()
    if row is None:
        return None
    row.status = Iteration.Status.TRAINING
    row.save(update_fields=["status", "modified_at"])
    options = TrainingOptions(**{**row.settings, "tags": tuple(row.settings["tags"])})
    try:
        get_trainer(row.project.backend).train(row, options=options, progress=progress)
    except (TrainingError, StorageUnavailable, ModelFileError) as exc:
        raise JobFailed(str(exc)) from exc
    logger.info("Trained project=%s iteration=%s", row.project_id, row.number)
    return {"iteration": row.number}


def mark_failed(job: Job) -> None:
    """Let the iteration of a training's job that ended badly say why: called when the job has ended.

    One that was to be made elsewhere and never was is no iteration: then only the job says why.
    """
    unfinished = Iteration.objects.in_training().filter(pk=job.arguments["iteration"])
    iteration = unfinished.select_related("project").first()
    if iteration and iteration.remote_id is None and get_mirror(iteration.project):
        iteration.delete()
        return
    error = _("The training was cancelled.") if job.state == Job.State.CANCELLED else job.error
    unfinished.update(status=Iteration.Status.FAILED, error=error or _("The training ended without a result."))


def rename_iteration(iteration: Iteration, *, name: str) -> None:
    """Give the iteration another name, which no other of its project has. Raises Refused and NameTaken."""
    wanted = clean_name(name)
    if not wanted:
        raise Refused(_("An iteration needs a name."))
    if len(wanted) > LONGEST_NAME:
        raise Refused(_("An iteration's name has at most %(limit)s characters.") % {"limit": LONGEST_NAME})
    _check_name_is_free(iteration, wanted)
    iteration.name = wanted
    if mirror := get_mirror(iteration.project):
        mirror.rename_iteration(iteration)
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=iteration.project_id)
        _check_name_is_free(iteration, wanted)  # somebody may have given it to another meanwhile
        iteration.save(update_fields=["name", "modified_at"])


def delete_iteration(iteration: Iteration) -> None:
    """Delete an iteration that neither answers nor trains; its number is never given again.

    Raises IsPublished and AlreadyTraining.
    """
    _check_is_idle(iteration)
    if mirror := get_mirror(iteration.project):
        mirror.delete_iteration(iteration)
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=iteration.project_id)
        _check_is_idle(iteration)  # somebody may have published it meanwhile
        iteration.delete()


def has_changed(project: Project, tags: Sequence[Tag], *, seed: int = 0) -> bool:
    """Say whether a training on these tags could give something else than the last one did.

    `examples.check` returns them. A fifth of a second for 100,000 images.
    """
    last = project.iterations.completed().first()
    return last is None or last.data_hash != examples.fingerprint(project, tags, seed=seed)


def _check_name_is_free(iteration: Iteration, name: str) -> None:
    others = Iteration.objects.filter(project=iteration.project_id).exclude(pk=iteration.pk)
    if same_name(name) in {same_name(other) for other in others.values_list("name", flat=True)}:
        raise NameTaken(_("The project has an iteration %(name)s already.") % {"name": name})


def _check_is_idle(iteration: Iteration) -> None:
    """Raise IsPublished or AlreadyTraining for an iteration that answers or trains by now."""
    iteration.refresh_from_db()
    if iteration.is_published:
        raise IsPublished(_("%(name)s is published: unpublish it first.") % {"name": iteration.name})
    if iteration.status in {Iteration.Status.NEW, Iteration.Status.TRAINING}:
        raise AlreadyTraining(_("%(name)s is in training: cancel its job first.") % {"name": iteration.name})


def _make_iteration(
    project: Project, options: TrainingOptions, by: User | None, api_settings: Mapping[str, Any]
) -> Iteration:
    """Make the row of the next iteration and of its job, if there is something to learn."""
    tags = examples.check(project, only=options.tags)
    if not (options.force or has_changed(project, tags, seed=options.seed)):
        raise NothingChanged(_("Nothing has changed since the last training."))
    number = project.take_number()  # holds the project's row: nobody else can begin
    if project.iterations.in_training().exists():
        raise AlreadyTraining(_("%(name)s is in training already.") % {"name": project})
    iteration = Iteration.objects.create(
        project=project,
        number=number,
        name=f"Iteration {number}",
        settings=asdict(options),
        seed=options.seed,
        training_type=Iteration.TrainingType.ADVANCED if options.advanced else Iteration.TrainingType.REGULAR,
        created_by=by,
        api_settings=dict(api_settings),
    )
    title = gettext_noop("Train %(project)s: %(iteration)s")
    values = {"project": project, "iteration": iteration}
    iteration.job = make_job("train", title=title, values=values, arguments={"iteration": iteration.pk}, by=by)
    iteration.save(update_fields=["job"])
    return iteration


def _job_of(iteration: Iteration) -> Job:
    """Return the job that every iteration made here has."""
    if iteration.job is None:
        raise LookupError(f"{iteration} has no job.")
    return iteration.job
