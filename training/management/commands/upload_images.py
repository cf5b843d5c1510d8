"""`manage.py upload_images`."""

from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from jobs.models import Job
from training.commands import ProjectCommand
from training.models import Project
from training.services.folders import MOST_REPORTED, TaggedFile, find_files, upload_folder
from training.services.projects import create_tags
from training.uploads import ImageStatus


class Command(ProjectCommand):
    help = "Upload the pictures of a folder, one sub-folder a tag. Done again, it goes on where it was stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("folder", type=Path, metavar="FOLDER")
        parser.add_argument("--tag", default="", help="For all files, whatever folder they are in; it must exist.")
        parser.add_argument("--held-out", action="store_true", help="Only measure on these pictures, never learn.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would be uploaded, and under which tags.")
        parser.add_argument("--no-progress", action="store_true")

    def handle(
        self,
        *,
        project: str,
        folder: Path,
        tag: str,
        held_out: bool,
        dry_run: bool,
        no_progress: bool,
        as_json: bool,
        **options: Any,
    ) -> None:
        chosen = self.get_project(project)
        files = self.find(chosen, folder, tag)
        if dry_run:
            counts = Counter(each.tag or "no tag" for each in files)
            lines = [f"{count:7}  {name}" for name, count in sorted(counts.items())]
            self.tell(dict(counts), as_json=as_json, lines=[*lines, f"{len(files)} files would be uploaded."])
            return
        made, _ = create_tags(project=chosen, names=sorted({each.tag for each in files} - {""}))
        if made:
            self.stderr.write(f"Tags made: {', '.join(each.name for each in made)}.")
        watch = self.bar(hidden=no_progress)
        job = upload_folder(project=chosen, folder=folder, tag=tag, held_out=held_out, by=None, watch=watch)
        self.report(job, as_json=as_json)

    def find(self, project: Project, folder: Path, tag: str) -> list[TaggedFile]:
        if not folder.is_dir():
            raise CommandError(f"{folder} is no folder.", returncode=2)
        names = list(project.tags.values_list("name", flat=True))
        if tag and tag.lower() not in {name.lower() for name in names}:
            raise CommandError(
                f"There is no tag {tag!r} in this project; there are: {', '.join(names) or 'none'}.", returncode=2
            )
        files = find_files(folder, tag=tag, tags=names)
        if not files:
            raise CommandError(f"There is no JPEG, PNG, BMP or GIF file below {folder}.", returncode=2)
        return files

    def report(self, job: Job, *, as_json: bool) -> None:
        if job.result is None:
            raise CommandError(job.error or "The upload was stopped. Run it again: it goes on from there.")
        counts, remarks = job.result["counts"], job.result["remarks"]
        lines = [f"{each['file']}: {each['status']} {each['detail']}".rstrip() for each in remarks]
        if len(remarks) == MOST_REPORTED:
            lines.append(f"… only the first {MOST_REPORTED} files with a remark are named.")
        lines.append(", ".join(f"{status} {count}" for status, count in sorted(counts.items())))
        self.tell(job.result, as_json=as_json, lines=lines)
        if failed := sum(count for status, count in counts.items() if not ImageStatus(status).is_ok):
            raise CommandError(f"{failed} files were refused.")
