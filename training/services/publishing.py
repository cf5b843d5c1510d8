"""What answers, under which name, and how to go back."""

import logging

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from training.backends import get_backend
from training.exceptions import Refused
from training.models import Iteration, Project, Publication

logger = logging.getLogger(__name__)

FIRST_NAME = "live"
LONGEST_NAME = 100


def default_name(project: Project) -> str:
    """Return the name under which the live iteration answers, which the next one takes over."""
    live = project.live_iteration
    return live.publish_name if live and live.publish_name else FIRST_NAME


def publish(
    *,
    iteration: Iteration,
    by: User | None,
    name: str = "",
    keep_previous: bool = False,
    reason: str = "",
    act: str = Publication.Act.PUBLISH,
) -> Publication:
    """Let the iteration answer, on the page and under the name, which is the live iteration's if none is given.

    The name is taken from whoever has it, and the iteration that was live is unpublished unless `keep_previous`. First
    the backend makes sure that the iteration is fit to answer; then all of it happens in one transaction, or nothing.
    Raises Refused, StorageUnavailable and ModelFileError.
    """
    project = Project.objects.select_related("live_iteration").get(pk=iteration.project_id)
    name = name.strip() or default_name(project)
    _check(iteration, name=name, project=project, keep_previous=keep_previous)
    get_backend(project.backend).publish(iteration, name=name)
    with transaction.atomic():
        # Not joined: who waits for the lock would read the joined row as it was before.
        project = Project.objects.select_for_update().get(pk=project.pk)
        previous = project.live_iteration
        project.iterations.filter(publish_name=name).exclude(pk=iteration.pk).update(publish_name="")
        if previous and previous.pk != iteration.pk and not keep_previous:
            project.iterations.filter(pk=previous.pk).update(publish_name="")
        project.iterations.filter(pk=iteration.pk).update(publish_name=name)
        Project.objects.filter(pk=project.pk).update(live_iteration=iteration)
        replaced = previous if previous != iteration else None  # the same under another name
        line = _log(act, iteration, name=name, replaced=replaced, reason=reason, by=by)
    iteration.refresh_from_db()
    logger.info("Published project=%s iteration=%s name=%s", project.pk, iteration.number, name)
    return line


def unpublish(*, iteration: Iteration, by: User | None, reason: str = "") -> Publication:
    """Let the iteration no longer answer; if it was live, nothing is. Raises Refused if it did not answer."""
    iteration.refresh_from_db()
    if not iteration.is_published:
        raise Refused(_("%(name)s is not published.") % {"name": iteration.name})
    get_backend(iteration.project.backend).unpublish(iteration)
    with transaction.atomic():
        project = Project.objects.select_for_update().get(pk=iteration.project_id)
        if project.live_iteration_id == iteration.pk:
            Project.objects.filter(pk=project.pk).update(live_iteration=None)
        project.iterations.filter(pk=iteration.pk).update(publish_name="")
        line = _log(
            Publication.Act.UNPUBLISH, iteration, name=iteration.publish_name, replaced=None, reason=reason, by=by
        )
    iteration.refresh_from_db()
    logger.info("Unpublished project=%s iteration=%s", project.pk, iteration.number)
    return line


def rollback(*, project: Project, by: User | None, to: Iteration | None = None, reason: str = "") -> Publication:
    """Publish again what answered before the live iteration did, or `to`, under the name that it had last.

    Raises Refused if there is nothing to go back to.
    """
    target = to or rollback_target(project)
    if target is None:
        raise Refused(_("There is no earlier publication to go back to."))
    last = project.publications.filter(iteration=target).first()
    name = target.publish_name or (last.publish_name if last else "")
    return publish(iteration=target, by=by, name=name, reason=reason, act=Publication.Act.ROLLBACK)


def rollback_target(project: Project) -> Iteration | None:
    """Return the iteration that `rollback` would bring back: going back twice goes back two steps.

    Where nothing is live, what was live last. Deleted iterations are passed over.
    """
    live_id = Project.objects.values_list("live_iteration_id", flat=True).get(pk=project.pk)
    earlier = [pk for pk in _live_ones(project) if pk != live_id]
    return project.iterations.filter(pk=earlier[-1]).first() if earlier else None


def _live_ones(project: Project) -> list[int]:
    """Return the keys of the iterations that were live, as the log tells, the last at the end; those gone back from
    are not among them."""
    stack: list[int] = []
    lines = project.publications.exclude(act=Publication.Act.UNPUBLISH).exclude(iteration=None).order_by("pk")
    for act, pk in lines.values_list("act", "iteration_id"):
        if act == Publication.Act.ROLLBACK and pk in stack:
            del stack[len(stack) - stack[::-1].index(pk) :]
        elif stack[-1:] != [pk]:
            stack.append(pk)
    return stack


def _check(iteration: Iteration, *, name: str, project: Project, keep_previous: bool) -> None:
    if iteration.status != Iteration.Status.COMPLETED:
        raise Refused(
            _("%(name)s is not completed: its status is %(status)s.")
            % {"name": iteration.name, "status": iteration.status}
        )
    if len(name) > LONGEST_NAME:
        raise Refused(_("A publish name has at most %(limit)s characters.") % {"limit": LONGEST_NAME})
    if project.live_iteration_id == iteration.pk and iteration.publish_name == name:
        raise Refused(
            _("%(name)s is live already, as %(publish_name)s.") % {"name": iteration.name, "publish_name": name}
        )
    previous = project.live_iteration
    if keep_previous and previous and previous.publish_name == name:
        raise Refused(
            _("%(name)s answers as %(publish_name)s: to keep it, give the new one another name.")
            % {"name": previous.name, "publish_name": name}
        )


def _log(
    act: str, iteration: Iteration, *, name: str, replaced: Iteration | None, reason: str, by: User | None
) -> Publication:
    return Publication.objects.create(
        project_id=iteration.project_id,
        act=act,
        iteration=iteration,
        iteration_name=iteration.name,
        publish_name=name,
        replaced=replaced,
        replaced_name=replaced.name if replaced else "",
        reason=reason,
        user=by,
        username=by.username if by else "",
    )
