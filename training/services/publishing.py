"""What answers, under which name, and how to go back."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from django.db import transaction
from django.db.models import F, Max, Q
from django.utils.translation import gettext as _

from accounts.models import User
from training.backends import get_mirror, get_trainer
from training.comparison import compare
from training.exceptions import IsPublished, NotGoodEnough, NotPublished, NotTrained, PublishNameRefused, Refused
from training.models import Iteration, Project, Publication
from training.names import LONGEST_NAME
from training.outcome import Comparison

logger = logging.getLogger(__name__)

FIRST_NAME = "live"


def default_name(project: Project) -> str:
    """Return the name under which the live iteration answers, which the next one takes over."""
    live = project.live_iteration
    return live.publish_name if live and live.publish_name else FIRST_NAME


class Previous(Enum):
    """What a publication means for the iteration that is live."""

    UNPUBLISH = auto()
    """It no longer answers."""
    KEEP = auto()
    """It goes on answering under its own name, which the new one therefore cannot have."""
    LEAVE = auto()
    """It is one of those that are published: it loses its name only if that is taken from it."""


@dataclass(frozen=True)
class Policy:
    """What a publication may do to what is published already."""

    previous: Previous = Previous.UNPUBLISH
    overwrite: bool = True
    """Its name is taken from whoever has it; else it is refused if another has it."""
    rename: bool = True
    """An iteration that is published may get another name; else it is refused."""


REPLACE = Policy()
KEEP_PREVIOUS = Policy(previous=Previous.KEEP)
BESIDE = Policy(previous=Previous.LEAVE, overwrite=False, rename=False)
"""What programs ask for: who is published goes on answering under its own name."""


@dataclass(frozen=True)
class Plan:
    """What a publication is to change, and then has changed."""

    iteration: Iteration
    name: str
    """Under which the iteration is to answer, on the page too."""
    former_name: str
    """Under which it answers until then, and no more; empty: under none, or under the same."""
    replaced: Iteration | None
    """What is live, and will not be any more."""
    unpublished: tuple[Iteration, ...]
    """What will no longer answer; each has the name that it loses."""


def plan_publication(*, iteration: Iteration, name: str = "", policy: Policy = REPLACE) -> Plan:
    """Return what `publish` would change as things are now. Nothing is changed but that a proof is remembered.

    Raises Refused, or IsPublished, NotTrained and PublishNameRefused, where `publish` would, and what keeps the trainer
    from knowing whether the iteration is fit to answer: StorageUnavailable and ModelFileError.
    """
    plan = _plan(iteration, name=name, policy=policy)
    get_trainer(iteration.project.backend).check_fit_to_answer(iteration)
    return plan


def _plan(iteration: Iteration, *, name: str, policy: Policy) -> Plan:
    project = Project.objects.select_related("live_iteration").get(pk=iteration.project_id)
    iteration.refresh_from_db()
    name = name.strip() or default_name(project)
    live = project.live_iteration
    _check_iteration(iteration, name=name, is_live=live == iteration, policy=policy)
    _check_name(name)
    holder = project.iterations.filter(publish_name=name).exclude(pk=iteration.pk).first()
    _check_holder(holder, live=live, policy=policy)
    silent = [holder, live] if policy.previous == Previous.UNPUBLISH else [holder]
    unpublished = dict.fromkeys(each for each in silent if each and each.is_published and each != iteration)
    replaced = live if live != iteration else None  # the same under another name
    former_name = iteration.publish_name if iteration.publish_name != name else ""
    return Plan(iteration, name, former_name, replaced, tuple(unpublished))


def publish(
    *,
    iteration: Iteration,
    by: User | None,
    name: str = "",
    policy: Policy = REPLACE,
    reason: str = "",
    act: str = Publication.Act.PUBLISH,
    api_settings: Mapping[str, Any] | None = None,
) -> Plan:
    """Let the iteration answer, on the page and under the name, which is the live iteration's if none is given.

    First the trainer makes sure that the iteration is fit to answer; then all of it happens in one transaction, or
    nothing. Return what was changed, which is what was planned unless somebody was faster. api_settings: added to the
    iteration's. Raises what `plan_publication` and the mirror raise.
    """
    plan = plan_publication(iteration=iteration, name=name, policy=policy)
    if mirror := get_mirror(iteration.project):
        mirror.publish(iteration, name=plan.name)
        for other in plan.unpublished:
            if other.publish_name != plan.name:  # else the name was taken from it just now
                mirror.unpublish(other)
    with transaction.atomic():
        project = Project.objects.select_for_update().get(pk=iteration.project_id)
        plan = _plan(iteration, name=plan.name, policy=policy)  # somebody may have published meanwhile
        project.iterations.filter(pk__in=[each.pk for each in plan.unpublished]).update(publish_name="")
        iteration.publish_name = plan.name
        iteration.api_settings = {**iteration.api_settings, **(api_settings or {})}
        iteration.save(update_fields=["publish_name", "api_settings", "modified_at"])
        _set_live(project, iteration)
        _log(act, iteration, name=plan.name, replaced=plan.replaced, reason=reason, by=by)
    logger.info("Published project=%s iteration=%s name=%s", project.pk, iteration.number, plan.name)
    return plan


def publish_if_no_worse(
    *,
    iteration: Iteration,
    by: User | None,
    name: str = "",
    policy: Policy = REPLACE,
    reason: str = "",
    dry_run: bool = False,
) -> tuple[Plan, Comparison | None]:
    """Publish the iteration if it may take the live one's place by itself; return what was changed, and why it may.

    Every publication that nobody looks at goes this way. The log has the comparison behind the reason; there is none
    where nothing else is live. dry_run: only plan. Raises NotGoodEnough, and what `compare` and `publish` raise.
    """
    live = Project.objects.select_related("live_iteration").get(pk=iteration.project_id).live_iteration
    compared = compare(iteration, live) if live and live != iteration else None
    if compared and not compared.is_no_worse:
        raise NotGoodEnough(compared)
    if dry_run:
        return plan_publication(iteration=iteration, name=name, policy=policy), compared
    why = " ".join(filter(None, [reason, compared.sentence() if compared else _("Nothing to compare with.")]))
    return publish(iteration=iteration, by=by, name=name, policy=policy, reason=why), compared


def unpublish(*, iteration: Iteration, by: User | None, reason: str = "") -> Publication:
    """Let the iteration no longer answer. Raises NotPublished if it did not.

    If it was live, its `successor` is from now on: the page must not fall silent because a program has published
    something for a trial beside what it uses, and taken it back. Where nothing else is published, nothing is live.
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


def note(act: Publication.Act, iteration: Iteration, *, project: Project, reason: str) -> None:
    """Take down what somebody published or unpublished elsewhere: the iteration is live, or nothing is any more.

    project: locked.
    """
    _set_live(project, None if act == Publication.Act.UNPUBLISH else iteration)
    _log(act, iteration, name=iteration.publish_name or iteration.name, reason=reason, by=None)
    logger.info("Noted act=%s project=%s iteration=%s", act, project.pk, iteration.number)


def successor(iteration: Iteration) -> Iteration | None:
    """Return what would be live if this live iteration were unpublished: what was published last of the others."""
    others = Iteration.objects.published().filter(project=iteration.project_id).exclude(pk=iteration.pk)
    since = Max("publications", filter=~Q(publications__act=Publication.Act.UNPUBLISH))
    return others.annotate(since=since).order_by(F("since").desc(nulls_last=True), "-number").first()


def rollback(*, project: Project, by: User | None, to: Iteration | None = None, reason: str = "") -> Plan:
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


def _pass_on(project: Project, iteration: Iteration, *, by: User | None) -> None:
    """Let the successor of what is no longer published be live, or nothing; project: locked."""
    live = successor(iteration)
    _set_live(project, live)
    if live:
        reason = _("%(name)s is no longer published.") % {"name": iteration.name}
        _log(Publication.Act.PUBLISH, live, name=live.publish_name, replaced=iteration, reason=reason, by=by)


def _set_live(project: Project, live: Iteration | None) -> None:
    project.live_iteration = live
    project.save(update_fields=["live_iteration"])


def _check_is_published(iteration: Iteration) -> None:
    iteration.refresh_from_db()
    if not iteration.is_published:
        raise NotPublished(_("%(name)s is not published.") % {"name": iteration.name})


def _check_iteration(iteration: Iteration, *, name: str, is_live: bool, policy: Policy) -> None:
    values = {"name": iteration.name, "publish_name": iteration.publish_name, "status": iteration.status}
    if iteration.is_published and not policy.rename:
        raise IsPublished(_("%(name)s is published already, as %(publish_name)s.") % values)
    if iteration.status != Iteration.Status.COMPLETED:
        raise NotTrained(_("%(name)s is not completed: its status is %(status)s.") % values)
    if is_live and iteration.publish_name == name:
        raise Refused(_("%(name)s is live already, as %(publish_name)s.") % values)


def _check_name(name: str) -> None:
    if not name.isprintable():
        raise PublishNameRefused(_("The publish name has characters that cannot be seen."))
    if len(name) > LONGEST_NAME:
        raise PublishNameRefused(_("A publish name has at most %(limit)s characters.") % {"limit": LONGEST_NAME})


def _check_holder(holder: Iteration | None, *, live: Iteration | None, policy: Policy) -> None:
    """Raise Refused if the one that has the name keeps it."""
    if holder is None:
        return
    values = {"name": holder.name, "publish_name": holder.publish_name}
    if policy.previous == Previous.KEEP and holder == live:
        sentence = _("%(name)s answers as %(publish_name)s: to keep it, give the new one another name.")
        raise Refused(sentence % values)
    if not policy.overwrite:
        raise PublishNameRefused(_("%(name)s answers as %(publish_name)s already.") % values)


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
