"""What answers, under which name, and how to go back."""

import logging
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import F, Max, Q
from django.utils.translation import gettext as _

from accounts.models import User
from training.backends import get_mirror, get_trainer
from training.exceptions import IsPublished, NotPublished, NotTrained, PublishNameRefused, Refused
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
    get_trainer(project.backend).check_fit_to_answer(iteration)
    if mirror := get_mirror(project):
        mirror.publish(iteration, name=name)
    with transaction.atomic():
        # Not joined: who waits for the lock would read the joined row as it was before.
        project = Project.objects.select_for_update().get(pk=project.pk)
        previous = project.live_iteration
        if previous and previous.pk != iteration.pk and not keep_previous:
            project.iterations.filter(pk=previous.pk).update(publish_name="")
        line = _let_answer(project, iteration, name=name, act=act, reason=reason, by=by)
    iteration.refresh_from_db()
    return line


def publish_beside(
    *,
    iteration: Iteration,
    by: User | None,
    name: str,
    overwrite: bool = False,
    api_settings: Mapping[str, Any] | None = None,
) -> Publication:
    """Let the iteration answer under the name beside all others that are published, and on the page.

    What programs ask for: who is published goes on answering under its own name, and only `overwrite` takes a name away
    from another. api_settings: added to the iteration's. Raises IsPublished, NotTrained, PublishNameRefused, and what
    the backend raises.
    """
    name = name.strip()
    _check_beside(iteration, name=name, overwrite=overwrite)
    get_trainer(iteration.project.backend).check_fit_to_answer(iteration)
    if mirror := get_mirror(iteration.project):
        mirror.publish(iteration, name=name)
    with transaction.atomic():
        project = Project.objects.select_for_update().get(pk=iteration.project_id)
        iteration.refresh_from_db()
        _check_beside(iteration, name=name, overwrite=overwrite)  # somebody may have published meanwhile
        line = _let_answer(project, iteration, name=name, by=by)
        settings = {**iteration.api_settings, **(api_settings or {})}
        project.iterations.filter(pk=iteration.pk).update(api_settings=settings)
    iteration.refresh_from_db()
    return line


def unpublish(*, iteration: Iteration, by: User | None, reason: str = "") -> Publication:
    """Let the iteration no longer answer. Raises NotPublished if it did not.

    If it was live, its `heir` is from now on: the page must not fall silent because a program has published something
    for a trial beside what it uses, and taken it back. Where nothing else is published, nothing is live.
    """
    _check_is_published(iteration)
    if mirror := get_mirror(iteration.project):
        mirror.unpublish(iteration)
    with transaction.atomic():
        project = Project.objects.select_for_update().get(pk=iteration.project_id)
        _check_is_published(iteration)  # somebody may have unpublished it meanwhile
        name, iteration.publish_name = iteration.publish_name, ""
        iteration.save(update_fields=["publish_name", "modified_at"])
        line = _log(Publication.Act.UNPUBLISH, iteration, name=name, reason=reason, by=by)
        if project.live_iteration_id == iteration.pk:
            _pass_on(project, iteration, by=by)
    logger.info("Unpublished project=%s iteration=%s", project.pk, iteration.number)
    return line


def heir(iteration: Iteration) -> Iteration | None:
    """Return what would be live if this live iteration were unpublished: what was published last of the others."""
    others = Iteration.objects.published().filter(project=iteration.project_id).exclude(pk=iteration.pk)
    since = Max("publications", filter=~Q(publications__act=Publication.Act.UNPUBLISH))
    return others.annotate(since=since).order_by(F("since").desc(nulls_last=True), "-number").first()


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


def _let_answer(
    project: Project,
    iteration: Iteration,
    *,
    name: str,
    by: User | None,
    act: str = Publication.Act.PUBLISH,
    reason: str = "",
) -> Publication:
    """Make the iteration live under the name, which nobody else has any more; project: locked, as it was before."""
    previous = project.live_iteration
    project.iterations.filter(publish_name=name).exclude(pk=iteration.pk).update(publish_name="")
    project.iterations.filter(pk=iteration.pk).update(publish_name=name)
    Project.objects.filter(pk=project.pk).update(live_iteration=iteration)
    replaced = previous if previous != iteration else None  # the same under another name
    logger.info("Published project=%s iteration=%s name=%s", project.pk, iteration.number, name)
    return _log(act, iteration, name=name, replaced=replaced, reason=reason, by=by)


def _pass_on(project: Project, iteration: Iteration, *, by: User | None) -> None:
    """Let the heir of what is no longer published be live, or nothing; project: locked."""
    next_live = heir(iteration)
    Project.objects.filter(pk=project.pk).update(live_iteration=next_live)
    if next_live:
        reason = _("%(name)s is no longer published.") % {"name": iteration.name}
        act = Publication.Act.PUBLISH
        _log(act, next_live, name=next_live.publish_name, replaced=iteration, reason=reason, by=by)


def _check_is_published(iteration: Iteration) -> None:
    iteration.refresh_from_db()
    if not iteration.is_published:
        raise NotPublished(_("%(name)s is not published.") % {"name": iteration.name})


def _check_beside(iteration: Iteration, *, name: str, overwrite: bool) -> None:
    if iteration.is_published:
        raise IsPublished(
            _("%(name)s is published already, as %(publish_name)s.")
            % {"name": iteration.name, "publish_name": iteration.publish_name}
        )
    _check_fitness(iteration, name=name)
    holder = Iteration.objects.filter(project=iteration.project_id, publish_name=name).first()
    if holder and not overwrite:
        raise PublishNameRefused(
            _("%(name)s answers as %(publish_name)s already.") % {"name": holder.name, "publish_name": name}
        )


def _check_fitness(iteration: Iteration, *, name: str) -> None:
    if iteration.status != Iteration.Status.COMPLETED:
        raise NotTrained(
            _("%(name)s is not completed: its status is %(status)s.")
            % {"name": iteration.name, "status": iteration.status}
        )
    if not name.isprintable():
        raise PublishNameRefused(_("The publish name has characters that cannot be seen."))
    if len(name) > LONGEST_NAME:
        raise PublishNameRefused(_("A publish name has at most %(limit)s characters.") % {"limit": LONGEST_NAME})


def _check(iteration: Iteration, *, name: str, project: Project, keep_previous: bool) -> None:
    _check_fitness(iteration, name=name)
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
    act: str,
    iteration: Iteration,
    *,
    name: str,
    reason: str,
    by: User | None,
    replaced: Iteration | None = None,
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
