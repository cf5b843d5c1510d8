"""What a reviewer does with some wrong predictions or with very many: the same gesture, at once or as a job."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from acts.exceptions import Changed
from acts.services import Doer
from catalog.exceptions import StorageUnavailable
from feedback.models import Misprediction, MispredictionQuerySet
from feedback.services import review
from feedback.services.review import Outcome
from jobs.exceptions import JobFailed
from jobs.models import Job
from jobs.progress import Progress
from jobs.services import queue_job
from training.exceptions import Refused, TrainingError
from training.models import Project, Tag
from training.services.projects import create_tags

MOST_AT_ONCE = 500
"""Wrong predictions that a reviewer waits for; more are a job."""
CANNOT = (TrainingError, StorageUnavailable, Changed)
"""Why a gesture is refused, each in a sentence."""


@dataclass(frozen=True)
class Gesture:
    """What is done with wrong predictions."""

    act: str
    """correct, accept, dismiss, reopen, delete or restore."""
    seen: str = Misprediction.State.OPEN
    """The state in which they were seen: what is in another by then stays as it is."""
    tag: str = ""
    """To correct: the name of the right tag, in whatever project."""
    dismissal: str = ""
    may_create: bool = False
    """To correct: whether a tag that is not there is made."""


def perform(rows: MispredictionQuerySet, gesture: Gesture, *, by: Doer, progress: Progress = review.UNSEEN) -> Outcome:
    """Do it with these. Raises one of CANNOT; then nothing has changed."""
    return _PERFORM[gesture.act](rows, gesture, by, progress)


def queue_gesture(rows: Sequence[int], gesture: Gesture, *, by: User) -> Job:
    """Have it done with very many, by their keys, in the background."""
    title = gettext_noop("Review %(count)s wrong predictions")
    arguments = {"rows": list(rows), "gesture": asdict(gesture), "user": by.pk}
    return queue_job("review", title=title, values={"count": len(rows)}, arguments=arguments, by=by)


def run_gesture(progress: Progress, *, rows: Sequence[int], gesture: Mapping[str, object], user: int) -> dict[str, int]:
    """Do the work of the job that `queue_gesture` queues: one act, as if it had been done at once."""
    by = User.objects.get(pk=user)
    chosen = Misprediction.objects.visible_to(by).filter(pk__in=rows)
    try:
        outcome = perform(chosen, Gesture(**gesture), by=Doer.person(by), progress=progress)  # type: ignore[arg-type]
    except CANNOT as exc:
        raise JobFailed(str(exc)) from exc
    return {"changed": len(outcome.changed), "overtaken": len(outcome.overtaken)}


def _correct(rows: MispredictionQuerySet, gesture: Gesture, by: Doer, progress: Progress) -> Outcome:
    tags = _tags_named(rows, gesture.tag, may_create=gesture.may_create)
    return review.correct(rows, tags=tags, by=by, seen=gesture.seen, progress=progress)


def _tags_named(rows: MispredictionQuerySet, name: str, *, may_create: bool) -> list[Tag]:
    """Return the tag of that name in each project of these rows. Raises Refused where one has none."""
    projects = Project.objects.filter(pk__in=rows.order_by().values("project"))
    tags = list(Tag.objects.filter(project__in=projects, name__iexact=name))
    lacking = projects.exclude(pk__in=[tag.project_id for tag in tags])
    if may_create:
        return tags + [tag for project in lacking for tag in create_tags(project=project, names=[name])[0]]
    if names := list(lacking.values_list("name", flat=True)):
        raise Refused(_("%(tag)s is not a tag of %(projects)s.") % {"tag": name, "projects": ", ".join(names)})
    return tags


_PERFORM: Mapping[str, Callable[[MispredictionQuerySet, Gesture, Doer, Progress], Outcome]] = {
    "correct": _correct,
    "accept": lambda rows, g, by, p: review.accept(rows, by=by, seen=g.seen, progress=p),
    "dismiss": lambda rows, g, by, p: review.dismiss(rows, dismissal=g.dismissal, by=by, seen=g.seen, progress=p),
    "reopen": lambda rows, g, by, p: review.reopen(rows, by=by, seen=g.seen, progress=p),
    "delete": lambda rows, _g, by, p: review.move_to_bin(rows, by=by, progress=p),
    "restore": lambda rows, _g, by, p: review.restore(rows, by=by, progress=p),
}
GESTURES = frozenset(_PERFORM)
