"""`manage.py import_customvision`."""

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any, cast

from django.core.management.base import CommandError
from django.utils.translation import gettext_noop

from azurecv.importing.comparison import EngineComparison, compare_engines
from azurecv.importing.source import Source
from azurecv.training.answers import RemoteIteration
from jobs.models import Job
from jobs.progress import Progress
from jobs.services import do_here, make_job
from training.backends.base import TrainingOptions
from training.commands import ProjectCommand, line, percent, record
from training.exceptions import NothingChanged, Refused
from training.models import Iteration, Project
from training.services.learning import train_here
from training.services.publishing import FIRST_NAME, publish


class Command(ProjectCommand):
    help = "Copy a project from Azure Custom Vision under its own ids, train it here, and compare the two engines."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", required=True, help="Its id or its name there.")
        parser.add_argument("--endpoint", default="", help="Where (default: CLASSIFR_CUSTOMVISION_TRAINING_ENDPOINT).")
        parser.add_argument("--name", default="", help="What it is to be called here (default: as there).")
        parser.add_argument("--no-train", action="store_true", help="Copy only.")
        parser.add_argument(
            "--compare", type=int, default=100, metavar="N", help="Pictures to ask both about (default: %(default)s)."
        )
        parser.add_argument("--no-progress", action="store_true")
        self.add_json(parser)

    def handle(
        self,
        *,
        project: str,
        endpoint: str,
        name: str,
        no_train: bool,
        compare: int,
        no_progress: bool,
        as_json: bool,
        **options: Any,
    ) -> None:
        source = Source(endpoint, project)
        copied = self.copy(endpoint, source, name, hidden=no_progress)
        chosen = Project.objects.get(pk=copied["project"])
        theirs = _answering(source.iterations())
        result: dict[str, Any] = {"project": str(chosen.uid), "name": chosen.name, **copied}
        self.tell_lines(_copied_lines(chosen, copied), as_json=as_json)
        if not no_train:
            iteration = self.train(chosen, hidden=no_progress)
            self.tell_lines([line(iteration)], as_json=as_json)
            publish_name = _publish(iteration, theirs)
            compared = self.compare(source, iteration, theirs, most=compare)
            self.tell_lines([*_compared_lines(compared), *_client_lines(chosen, publish_name)], as_json=as_json)
            result |= {"iteration": record(iteration), "publish_name": publish_name, "comparison": _record(compared)}
        if as_json:
            self.tell(result, as_json=True, lines=[])

    def copy(self, endpoint: str, source: Source, name: str, *, hidden: bool) -> dict[str, Any]:
        """Copy as a job, which shows among the others; return its report."""
        arguments = {"endpoint": endpoint, "asked": str(source.project.id), "name": name}
        title, values = gettext_noop("Copy %(project)s from Custom Vision"), {"project": source.project.name}
        # Another machine's worker does not have the key.
        made = make_job("import_customvision", title=title, values=values, arguments=arguments, can_resume=False)
        job = do_here(made, watch=self.bar(hidden=hidden))
        if job.state != Job.State.DONE:
            raise CommandError(job.error or "Stopped. Run it again: it goes on from there.")
        return cast("dict[str, Any]", job.result)

    def train(self, project: Project, *, hidden: bool) -> Iteration:
        """Train, unless nothing has changed since that was done here."""
        try:
            iteration = train_here(project=project, options=TrainingOptions(), by=None, watch=self.bar(hidden=hidden))
        except NothingChanged:
            iteration = project.iterations.trained_here()[0]
        if iteration.status == Iteration.Status.FAILED:
            raise CommandError(iteration.error)
        return iteration

    def compare(
        self, source: Source, ours: Iteration, theirs: RemoteIteration | None, *, most: int
    ) -> EngineComparison | None:
        if theirs is None or not most:
            return None
        try:
            return compare_engines(source, ours=ours, theirs=theirs.id, most=most, progress=Progress())
        except Refused as exc:
            self.stderr.write(f"Not compared: {exc}")
            return None

    def tell_lines(self, lines: list[str], *, as_json: bool) -> None:
        """Print the lines as soon as they are known, unless one value for programs is printed at the end."""
        if not as_json:
            self.stdout.write("\n".join(lines))


def _answering(iterations: list[RemoteIteration]) -> RemoteIteration | None:
    """Return what programs ask there: the iteration that was published last, else the last one."""
    candidates = [each for each in iterations if each.publish_name] or iterations
    return candidates[-1] if candidates else None


def _publish(iteration: Iteration, theirs: RemoteIteration | None) -> str:
    """Let the iteration answer under the name that programs use, unless something answers here already."""
    live = Project.objects.select_related("live_iteration").get(pk=iteration.project_id).live_iteration
    if live is None:
        name = theirs.publish_name if theirs else ""
        publish(iteration=iteration, by=None, name=name or FIRST_NAME, reason="Copied from Custom Vision.")
        return name or FIRST_NAME
    return live.publish_name


def _copied_lines(project: Project, report: dict[str, Any]) -> list[str]:
    counts = (
        f"{project.name}: {report['tags']} tags, {report['images']} images and {report['iterations']} iterations "
        f"copied; {report['there']} images were here already."
    )
    return [counts, *report["remarks"]]


def _compared_lines(compared: EngineComparison | None) -> Iterator[str]:
    if compared is None:
        return
    yield (
        f"Of {compared.pictures} pictures that Classifr did not learn from both say the same of "
        f"{percent(compared.agreement)}; right are Classifr {percent(compared.ours_right)}, Custom Vision "
        f"{percent(compared.theirs_right)} (p = {compared.p_value:.3f}; Custom Vision may have learned from some)."
    )
    for tag, won, lost in compared.by_tag():
        yield f"  {tag}: only Classifr right {won}, only Custom Vision right {lost}"


def _client_lines(project: Project, publish_name: str) -> list[str]:
    return [
        "What to change in your programs:",
        "  endpoint    the address of this server",
        "  key         `manage.py create_api_key NAME --scope prediction` (or training, or all)",
        f"What stays: project {project.uid}, publish name {publish_name}, the ids of tags and images.",
    ]


def _record(compared: EngineComparison | None) -> dict[str, Any] | None:
    if compared is None:
        return None
    names = ("pictures", "agreement", "ours_right", "theirs_right", "p_value")
    by_tag = {tag: {"only_ours": won, "only_theirs": lost} for tag, won, lost in compared.by_tag()}
    return {**{name: getattr(compared, name) for name in names}, "by_tag": by_tag}
