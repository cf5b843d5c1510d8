"""`manage.py upload_images`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from jobs.models import Job
from training.commands import ProjectCommand
from training.folders import TaggedFolder, with_spaces
from training.models import Project
from training.services.folders import (
    MOST_REPORTED,
    Contents,
    find_contradictions,
    open_contents,
    reasons,
    tags_by_name,
    upload_folder,
)
from training.services.projects import create_tags
from training.uploads import ImageStatus


class Command(ProjectCommand):
    help = "Upload the pictures of a folder, one sub-folder a tag. Done again, it goes on where it was stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("folder", type=Path, metavar="FOLDER", help="Or a ZIP of one.")
        parser.add_argument("--tag", default="", help="For all files, whatever folder they are in; it must exist.")
        parser.add_argument("--held-out", action="store_true", help="Only measure on these pictures, never learn.")
        parser.add_argument(
            "--as-tags", action="store_true", help="Folders called train, valid and test are tags like others."
        )
        parser.add_argument("--spaces", action="store_true", help="Tags made have spaces for the _ of their folders.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would be uploaded, and under which tags.")
        parser.add_argument("--no-progress", action="store_true")

    def handle(
        self,
        *,
        project: str,
        folder: Path,
        tag: str,
        held_out: bool,
        as_tags: bool,
        spaces: bool,
        dry_run: bool,
        no_progress: bool,
        as_json: bool,
        **options: Any,
    ) -> None:
        chosen = self.get_project(project)
        self.check_tag(chosen, tag)
        with open_contents(folder, project=chosen, as_tags=as_tags or bool(tag)) as contents:
            if not contents.tagged.files and not contents.photos_left_out:
                raise CommandError(f"There is no JPEG, PNG, BMP or GIF file below {folder}.", returncode=2)
            if dry_run:
                self.say_what_would_be(chosen, contents, tag, as_json=as_json)
                return
        if contents.tagged.splits:
            self.stderr.write(f"{splits_sentence(contents.tagged)} --as-tags makes tags of them.")
        missing = [] if tag else sorted(set(contents.tagged.counts()) - {""} - set(tags_by_name(chosen)))
        made, _ = create_tags(project=chosen, names=[with_spaces(name) if spaces else name for name in missing])
        if made:
            self.stderr.write(f"Tags made: {', '.join(each.name for each in made)}.")
        job = upload_folder(
            project=chosen,
            folder=folder,
            tag=tag,
            held_out=held_out,
            as_tags=as_tags or bool(tag),
            by=None,
            watch=self.bar(hidden=no_progress),
        )
        self.report(job, as_json=as_json)

    def check_tag(self, project: Project, tag: str) -> None:
        names = list(project.tags.values_list("name", flat=True))
        if tag and tag.lower() not in {name.lower() for name in names}:
            raise CommandError(
                f"There is no tag {tag!r} in this project; there are: {', '.join(names) or 'none'}.", returncode=2
            )

    def say_what_would_be(self, project: Project, contents: Contents, tag: str, *, as_json: bool) -> None:
        tagged = contents.tagged
        counts = {tag: len(tagged.files)} if tag else tagged.counts()
        left_out = reasons(contents.left_out)
        contradictions = [] if tag or project.is_multilabel else find_contradictions(tagged.files)
        value = {
            "tags": {name: count for name, count in counts.items() if name},
            "without_tag": counts.get("", 0),
            "held_out": sum(each.held_out for each in tagged.files),
            "splits": list(tagged.splits),
            "left_out": left_out,
            "system_files": contents.system_count,
            "contradictions": [[{"file": each.file.name, "tag": each.tag} for each in same] for same in contradictions],
        }
        lines = [f"{count:7}  {name or 'no tag'}" for name, count in sorted(counts.items())]
        if tagged.splits:
            lines.append(f"{splits_sentence(tagged)} --as-tags makes tags of them.")
        lines += [
            f"The same photo under several tags: {', '.join(each.file.name for each in same)}."
            for same in contradictions
        ]
        lines += left_out_lines(left_out, contents.system_count)
        coming = len(tagged.files) - counts.get("", 0)
        self.tell(value, as_json=as_json, lines=[*lines, f"{coming} files would be uploaded."])

    def report(self, job: Job, *, as_json: bool) -> None:
        if job.result is None:
            raise CommandError(job.error or "The upload was stopped. Run it again: it goes on from there.")
        counts, remarks, left_out = (job.result[name] for name in ("counts", "remarks", "left_out"))
        lines = [f"{each['file']}: {each['status']} {each['detail']}".rstrip() for each in remarks]
        lines += left_out_lines(left_out, job.result["system_files"])
        if MOST_REPORTED in {len(remarks), len(left_out)}:
            lines.append(f"… only the first {MOST_REPORTED} files with a remark are named.")
        lines.append(", ".join(f"{status} {count}" for status, count in sorted(counts.items())))
        self.tell(job.result, as_json=as_json, lines=lines)
        if failed := sum(count for status, count in counts.items() if not ImageStatus(status).is_ok):
            raise CommandError(f"{failed} files were refused.")


def splits_sentence(tagged: TaggedFolder) -> str:
    held_out = sum(each.held_out for each in tagged.files)
    return (
        f"{', '.join(tagged.splits)} are read as parts, their sub-folders as tags: {held_out} pictures are held out, "
        "training never sees them."
    )


def left_out_lines(left_out: list[dict[str, str]], system_count: int) -> list[str]:
    """Tell in lines what is not taken of a folder."""
    lines = [f"{each['file']}: left out. {each['reason']}" for each in left_out]
    return [*lines, f"{system_count} files and folders of the system were left out."] if system_count else lines
