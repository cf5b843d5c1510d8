"""Upload a folder of files: one sub-folder a tag, or files that are named after their tag."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from catalog.refusals import refusal_sentence
from engine import images
from engine.exceptions import RefusedPicture
from jobs.exceptions import JobFailed
from jobs.models import Job
from jobs.progress import Progress
from jobs.services import Watch, do_here, make_job
from training.exceptions import TrainingError
from training.models import Image, Project, Tag
from training.names import same_name
from training.services.images import remark, upload_images
from training.uploads import BATCH, ImageStatus, ImageUpload, UploadResult

MOST_REPORTED = 1_000
"""Files that the job's result has a remark on, at most; the counts are of all."""
_NUMBERED = re.compile(r"(?P<tag>.+?)(_\d+| ?\(\d+\))$")
"""The brief's two ways of naming: cannoli_1.jpg and pizza (1).jpg."""


@dataclass(frozen=True)
class TaggedFile:
    """A file and the name of the tag that its place or its own name gives it."""

    path: Path
    tag: str
    """Empty: none could be found."""


def find_files(folder: Path, *, tag: str = "", tags: Sequence[str] = ()) -> list[TaggedFile]:
    """Return the pictures below a folder by their endings, in order, each with its tag; hidden folders are left out.

    The tag is the one given, or the sub-folder of `folder` that the file is in, or, for a file in `folder` itself, the
    name of one of `tags` before the number: cannoli_1.jpg, pizza (1).jpg.
    """
    files = []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        is_hidden = any(part.startswith(".") for part in inside)
        if path.suffix.lower() in images.SUFFIXES and path.is_file() and not is_hidden:
            named = _readable(inside[0]).strip() if len(inside) > 1 else _tag_in_name(path, tags)
            files.append(TaggedFile(path, tag or named))
    return files


def upload_folder(
    *, project: Project, folder: Path, tag: str, held_out: bool, by: User | None, watch: Watch | None
) -> Job:
    """Upload the pictures below a folder in this process and return the job as it ended; all their tags exist.

    Its result has `counts` by status and `remarks`, a list of file, status and detail. Done again, it goes on where it
    was stopped.
    """
    arguments = {
        "project": project.pk,
        "by": by.pk if by else None,
        "folder": str(folder),
        "tag": tag,
        "held_out": held_out,
    }
    title = gettext_noop("Upload %(folder)s to %(project)s")
    values = {"folder": _readable(folder.name), "project": project}
    # Another machine's worker does not have these files.
    job = make_job("upload", title=title, values=values, arguments=arguments, by=by, can_resume=False)
    return do_here(job, watch=watch)


def run_upload(
    progress: Progress, *, project: int, by: int | None, folder: str, tag: str, held_out: bool
) -> dict[str, Any]:
    """Do the work of the job that `upload_folder` makes."""
    row = Project.objects.get(pk=project)
    user = User.objects.filter(pk=by).first() if by else None
    tags = {same_name(each.name): each for each in row.tags.all()}
    files = find_files(Path(folder), tag=tag, tags=[each.name for each in tags.values()])
    counts: Counter[str] = Counter()
    remarks: list[dict[str, str]] = []
    progress.begin(_("Uploading"), total=len(files))
    for start in range(0, len(files), BATCH):
        try:
            results = _upload_some(row, files[start : start + BATCH], tags, held_out=held_out, by=user)
        except TrainingError as exc:
            raise JobFailed(str(exc)) from exc
        counts.update(each.status.value for each in results)
        remarks += _remarks(results)[: MOST_REPORTED - len(remarks)]
        if all(each.status == ImageStatus.ERROR_STORAGE for each in results):
            sentence = _(
                "%(detail)s The last %(count)s files were not kept; what came before stays. Run it again later."
            )
            raise JobFailed(sentence % {"detail": results[0].detail, "count": len(results)})
        progress.advance(len(results))
    return {"counts": dict(counts), "remarks": remarks}


def _upload_some(
    project: Project, files: Sequence[TaggedFile], tags: dict[str, Tag], *, held_out: bool, by: User | None
) -> tuple[UploadResult, ...]:
    """Upload a batch, less the files that cannot be read and those that are there already."""
    read = [_read(each, tags, held_out=held_out) for each in files]
    return upload_images(project=project, batch=_without_known(project, read), by=by)


def _remarks(results: Sequence[UploadResult]) -> list[dict[str, str]]:
    """Return what there is to say of files."""
    remarks = [{"file": each.name, "status": each.status.value, "detail": remark(each)} for each in results]
    return [row for row, each in zip(remarks, results, strict=True) if row["detail"] or not each.status.is_ok]


def _read(file: TaggedFile, tags: dict[str, Tag], *, held_out: bool) -> ImageUpload | UploadResult:
    name = _readable(str(file.path))
    tag = tags.get(same_name(file.tag))
    if tag is None:
        detail = _("No tag: put it in a sub-folder named after one.")
        return UploadResult(name, ImageStatus.ERROR_INVALID_TAG, detail=detail)
    try:
        images.check_byte_size(file.path.stat().st_size, limits=images.TRAINING)
        return ImageUpload(name, file.path.read_bytes(), (tag,), held_out=held_out)
    except RefusedPicture as exc:
        return UploadResult(name, ImageStatus.ERROR_IMAGE_SIZE, detail=refusal_sentence(exc))
    except OSError as exc:
        return UploadResult(name, ImageStatus.ERROR_SOURCE, detail=str(exc))


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


def _readable(name: str) -> str:
    """Return a file's name as text, whatever bytes it is made of."""
    return os.fsencode(name).decode(errors="replace")


def _tag_in_name(path: Path, tags: Sequence[str]) -> str:
    match = _NUMBERED.match(path.stem)
    named = _readable(match["tag"]) if match else ""
    return next((tag for tag in tags if same_name(tag) == same_name(named)), "")
