"""Upload a folder of files: one sub-folder a tag, or files that are named after their tag."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from catalog.refusals import refusal_sentence
from engine import images
from engine.exceptions import Refusal, RefusedFile, RefusedPicture
from engine.folders import FoundFile, LeftOut, open_folder, survey
from jobs.exceptions import JobFailed
from jobs.models import Job
from jobs.progress import Progress
from jobs.services import Watch, do_here, make_job
from training.exceptions import Refused, TrainingError
from training.folders import TaggedFile, TaggedFolder, tag_files
from training.models import Image, Project, Tag
from training.names import same_name
from training.services.images import remark, upload_images
from training.services.intake import picture_status
from training.uploads import BATCH, ImageStatus, ImageUpload, UploadResult

MOST_REPORTED = 1_000
"""Files that the job's result has a remark on, at most; the counts are of all."""


@dataclass(frozen=True)
class Contents:
    """A folder for a project, as it would be uploaded."""

    tagged: TaggedFolder
    left_out: tuple[LeftOut, ...]
    system_count: int
    """Files and folders of the system."""

    @property
    def photos_left_out(self) -> tuple[LeftOut, ...]:
        return tuple(each for each in self.left_out if each.is_photo)


@contextmanager
def open_contents(folder: Path, *, project: Project, as_tags: bool) -> Iterator[Contents]:
    """Look through a folder or a ZIP, whose files can be read meanwhile. Raises Refused."""
    try:
        with open_folder(folder) as opened:
            yield contents_of(opened.found, project=project, as_tags=as_tags, may_be_wrapped=opened.is_zip)
    except RefusedFile as exc:
        raise Refused(refusal_sentence(exc)) from exc


def contents_of(
    found: Iterable[FoundFile | LeftOut], *, project: Project, as_tags: bool, may_be_wrapped: bool
) -> Contents:
    """Judge the files and give each picture its tag."""
    judged = survey(found, limits=images.TRAINING)
    names = project.tags.values_list("name", flat=True)
    tagged = tag_files(judged.pictures, tags=names, as_tags=as_tags, may_be_wrapped=may_be_wrapped)
    return Contents(tagged, judged.left_out, judged.system_count)


def find_contradictions(files: Sequence[TaggedFile]) -> list[tuple[TaggedFile, ...]]:
    """Return the files of the same bytes that lie under several tags. Only those of equal size are read whole."""
    by_size: dict[int, list[TaggedFile]] = defaultdict(list)
    for each in files:
        by_size[each.file.byte_size].append(each)
    by_content: dict[bytes, list[TaggedFile]] = defaultdict(list)
    for alike in by_size.values():
        if len({same_name(each.tag) for each in alike}) > 1:
            for each in alike:
                if digest := _digest(each.file):
                    by_content[digest].append(each)
    return [tuple(same) for same in by_content.values() if len({same_name(each.tag) for each in same}) > 1]


def _digest(file: FoundFile) -> bytes:
    """Return the SHA-256 of the bytes; nothing for a file that cannot be read, which its upload tells of."""
    try:
        return sha256(file.read(images.TRAINING.max_bytes)).digest()
    except RefusedFile:
        return b""


def upload_folder(
    *, project: Project, folder: Path, tag: str, held_out: bool, as_tags: bool, by: User | None, watch: Watch | None
) -> Job:
    """Upload the pictures of a folder or a ZIP in this process and return the job as it ended; all their tags exist.

    Its result has `counts` by status, `remarks`, a list of file, status and detail, `left_out`, a list of file and
    reason, and `system_files`, a number. Done again, it goes on where it was stopped.
    """
    arguments = {
        "project": project.pk,
        "by": by.pk if by else None,
        "folder": str(folder),
        "tag": tag,
        "held_out": held_out,
        "as_tags": as_tags,
    }
    title = gettext_noop("Upload %(folder)s to %(project)s")
    values = {"folder": os.fsencode(folder.name).decode(errors="replace"), "project": project}
    # Another machine's worker does not have these files.
    job = make_job("upload", title=title, values=values, arguments=arguments, by=by, can_resume=False)
    return do_here(job, watch=watch)


def run_upload(
    progress: Progress, *, project: int, by: int | None, folder: str, tag: str, held_out: bool, as_tags: bool = False
) -> dict[str, Any]:
    """Do the work of the job that `upload_folder` makes."""
    row = Project.objects.get(pk=project)
    user = User.objects.filter(pk=by).first() if by else None
    try:
        with open_contents(Path(folder), project=row, as_tags=as_tags) as contents:
            return _upload(progress, row, contents, tag=tag, held_out=held_out, by=user)
    except TrainingError as exc:
        raise JobFailed(str(exc)) from exc


def _upload(
    progress: Progress, project: Project, contents: Contents, *, tag: str, held_out: bool, by: User | None
) -> dict[str, Any]:
    files = contents.tagged.files
    tags = tags_by_name(project)
    refused = [refuse(each.name, each.reason) for each in contents.photos_left_out]
    counts = Counter(each.status.value for each in refused)
    remarks = _remarks(refused)[:MOST_REPORTED]
    progress.begin(_("Uploading"), total=len(files))
    for start in range(0, len(files), BATCH):
        results = upload_files(project, files[start : start + BATCH], tags, tag=tag, held_out=held_out, by=by)
        counts.update(each.status.value for each in results)
        remarks += _remarks(results)[: MOST_REPORTED - len(remarks)]
        if all(each.status == ImageStatus.ERROR_STORAGE for each in results):
            sentence = _(
                "%(detail)s The last %(count)s files were not kept; what came before stays. Run it again later."
            )
            raise JobFailed(sentence % {"detail": results[0].detail, "count": len(results)})
        progress.advance(len(results))
    return {
        "counts": dict(counts),
        "remarks": remarks,
        "left_out": reasons([each for each in contents.left_out if not each.is_photo][:MOST_REPORTED]),
        "system_files": contents.system_count,
    }


def tags_by_name(project: Project) -> dict[str, Tag]:
    """Return the project's tags by what their names share with names that look the same."""
    return {same_name(each.name): each for each in project.tags.all()}


def upload_files(
    project: Project,
    files: Sequence[TaggedFile],
    tags: Mapping[str, Tag],
    *,
    tag: str = "",
    held_out: bool,
    by: User | None,
) -> tuple[UploadResult, ...]:
    """Upload at most 64 files with their tags, or all with that one; what is there already is not sent on."""
    batch = [
        _read(each.file, tags.get(same_name(tag or each.tag)), held_out=held_out or each.held_out) for each in files
    ]
    return upload_images(project=project, batch=_without_known(project, batch), by=by)


def reasons(left_out: Sequence[LeftOut]) -> list[dict[str, str]]:
    """Return what is left out, with the sentence that says why."""
    return [{"file": each.name, "reason": refusal_sentence(each.reason)} for each in left_out]


def _remarks(results: Sequence[UploadResult]) -> list[dict[str, str]]:
    """Return what there is to say of files."""
    remarks = [{"file": each.name, "status": each.status.value, "detail": remark(each)} for each in results]
    return [row for row, each in zip(remarks, results, strict=True) if row["detail"] or not each.status.is_ok]


def _read(file: FoundFile, tag: Tag | None, *, held_out: bool) -> ImageUpload | UploadResult:
    if tag is None:
        detail = _("No tag: put it in a sub-folder named after one.")
        return UploadResult(file.name, ImageStatus.ERROR_INVALID_TAG, detail=detail)
    try:
        # A byte too many, so that a file which has grown is refused instead of cut.
        return ImageUpload(file.name, file.read(images.TRAINING.max_bytes + 1), (tag,), held_out=held_out)
    except RefusedFile as exc:
        return refuse(file.name, exc)


def refuse(name: str, reason: Refusal) -> UploadResult:
    status = picture_status(reason) if isinstance(reason, RefusedPicture) else ImageStatus.ERROR_SOURCE
    return UploadResult(name, status, detail=refusal_sentence(reason))


def _without_known(project: Project, batch: Sequence[ImageUpload | UploadResult]) -> list[ImageUpload | UploadResult]:
    """Put OKDuplicate in the place of the pictures that the project has with their tag, by the bytes as sent."""
    sha256s = [each.sha256 for each in batch if isinstance(each, ImageUpload)]
    known = Image.objects.filter(project=project, original_sha256__in=sha256s).prefetch_related("tags")
    tags_of = {image.original_sha256: set(image.tags.all()) for image in known}

    def is_there(upload: ImageUpload) -> bool:
        return upload.sha256 in tags_of and tags_of[upload.sha256].issuperset(upload.tags)

    return [
        UploadResult(each.name, ImageStatus.OK_DUPLICATE) if isinstance(each, ImageUpload) and is_there(each) else each
        for each in batch
    ]
