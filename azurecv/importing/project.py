"""Copy a project from the other side under the ids that it has there, so that programs go on naming it as they do.

Whatever is here already stays as it is: a copy that was stopped goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from azurecv.importing.source import Source, SourceImage
from azurecv.training.sync import mirror_iteration
from catalog.exceptions import StorageUnavailable
from jobs.exceptions import JobFailed
from jobs.progress import Progress
from training.exceptions import Refused, TrainingError
from training.models import Image, Iteration, Project, Tag
from training.names import same_name
from training.services.images import remark, upload_images
from training.services.projects import create_project
from training.uploads import TAGS_A_BATCH, ImageStatus, ImageUpload

_AT_ONCE = 4
"""Pictures that are fetched at the same time; they come from a storage, which has no limit of calls."""
_TOGETHER = 16
"""Pictures that are kept at once: each weighs up to 6 MiB, and all are in memory meanwhile."""
_MOST_TOLD = 1_000


@dataclass
class Report:
    """What became of everything."""

    tags: int = 0
    """Made now; so are those below."""
    images: int = 0
    there: int = 0
    """Images that were here already."""
    iterations: int = 0
    remarks: list[str] = field(default_factory=list)
    """A sentence for each thing that is not as it was there, the first thousand."""

    def remark(self, sentence: str) -> None:
        if len(self.remarks) < _MOST_TOLD:
            self.remarks.append(sentence)


def find_or_make_project(source: Source, *, name: str = "") -> Project:
    """Return the project of that id here, made now if need be. Raises Refused."""
    remote = source.project
    if known := Project.objects.filter(uid=remote.id).first():
        return known
    if mirrored := Project.objects.filter(remote_id=remote.id).first():
        sentence = _("%(name)s is that project already, and Azure trains it: delete it here first, or leave it so.")
        raise Refused(sentence % {"name": mirrored})
    if remote.type not in Project.Type.values:
        raise Refused(_("%(name)s is no classification project.") % {"name": remote.name})
    return create_project(
        name=name or remote.name,
        description=remote.description,
        domain=Project.Domain.serving(source.domain_name()),
        type=remote.type,
        api_settings={"domainId": str(remote.domain_id)},
        uid=remote.id,
    )


def copy_tags(source: Source, project: Project, report: Report) -> None:
    """Make the tags that are not here yet. Raises Refused where one of the same name is another."""
    known = dict(project.tags.values_list("uid", "name"))
    taken = {same_name(name) for name in known.values()}
    new = [
        Tag(project=project, uid=each.id, name=each.name, description=each.description, type=each.type)
        for each in source.tags()
        if each.id not in known
    ]
    if double := [tag.name for tag in new if same_name(tag.name) in taken]:
        sentence = _("There are tags of another id here already: rename or delete %(names)s, and start again.")
        raise Refused(sentence % {"names": ", ".join(double)})
    Tag.objects.bulk_create(new)
    report.tags += len(new)


def copy_images(source: Source, project: Project, report: Report, progress: Progress) -> None:
    """Fetch and keep the images that are not here yet, in batches. Raises TrainingError if the other side is away."""
    tags = {tag.uid: tag for tag in project.tags.select_related("project")}
    progress.begin(_("Copying images"), total=source.count_images())
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for page in source.images():
            here = project.images.filter(uid__in=[each.id for each in page])
            known = set(here.values_list("uid", flat=True))
            new = [each for each in page if each.id not in known]
            report.there += len(known)
            progress.advance(len(known))
            for batch in _batches(new):
                contents = threads.map(lambda image: _fetched(source, image), batch)
                _keep(project, [*zip(batch, contents, strict=True)], tags, report)
                progress.advance(len(batch))


def _keep(
    project: Project,
    fetched: Sequence[tuple[SourceImage, bytes | str]],
    tags: dict[UUID, Tag],
    report: Report,
) -> None:
    """Keep the pictures that could be fetched; the report says why the others could not."""
    uploads = []
    for image, content in fetched:
        if isinstance(content, str):
            report.remark(f"{image.id}: {content}")
        else:
            uploads.append(_upload(image, content, tags, report))
    for result in upload_images(project=project, batch=uploads, by=None) if uploads else ():
        report.images += result.status == ImageStatus.OK
        if result.status != ImageStatus.OK:
            report.remark(f"{result.name}: {result.status.value}. {remark(result)}")


def _upload(image: SourceImage, content: bytes, tags: dict[UUID, Tag], report: Report) -> ImageUpload:
    """Return the image as one to be added, with the tags that it may have here."""
    given = [tags[uid] for uid in image.tag_ids if uid in tags]
    if len(given) > 1 and not given[0].project.is_multilabel:
        names = ", ".join(tag.name for tag in given[1:])
        sentence = _("It keeps its first tag, as the project allows one; left out: %(names)s.") % {"names": names}
        report.remark(f"{image.id}: {sentence}")
        given = given[:1]
    return ImageUpload(
        str(image.id), content, tuple(given), source=Image.Source.IMPORT, metadata=image.metadata, uid=image.id
    )


def _fetched(source: Source, image: SourceImage) -> bytes | str:
    """Return the bytes or, for one that cannot be had, why."""
    try:
        return source.content(image)
    except TrainingError as exc:
        return str(exc)


def _batches(images: Sequence[SourceImage]) -> Iterator[list[SourceImage]]:
    """Yield them in their order, a few at once, with no more tags than one upload may have."""
    batch: list[SourceImage] = []
    for image in images:
        different = {uid for each in [*batch, image] for uid in each.tag_ids}
        if batch and (len(batch) == _TOGETHER or len(different) > TAGS_A_BATCH):
            yield batch
            batch = []
        batch.append(image)
    if batch:
        yield batch


def record_iterations(source: Source, project: Project, report: Report) -> None:
    """Note the completed iterations with their figures; they were trained elsewhere, and cannot answer here."""
    known = set(project.iterations.values_list("uid", flat=True))
    for remote in source.iterations():
        if remote.id in known:
            continue
        figures = source.performance(remote.id)
        with transaction.atomic():
            row = Iteration(project=project, uid=remote.id, remote_id=remote.id, number=project.take_number())
            mirror_iteration(row, remote, figures)
            row.publish_name = ""
            row.save()
        report.iterations += 1


def run_import(progress: Progress, *, endpoint: str, asked: str, name: str) -> dict[str, Any]:
    """Do the work of the job that `manage.py import_customvision` makes; its result is the report."""
    report = Report()
    try:
        source = Source(endpoint, asked)
        project = find_or_make_project(source, name=name)
        copy_tags(source, project, report)
        copy_images(source, project, report, progress)
        progress.begin(_("Noting the iterations"))
        record_iterations(source, project, report)
    except (TrainingError, StorageUnavailable) as exc:
        raise JobFailed(str(exc)) from exc
    return {"project": project.pk, **asdict(report)}
