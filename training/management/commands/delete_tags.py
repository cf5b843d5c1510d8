"""`manage.py delete_tags`."""

from argparse import ArgumentParser
from difflib import get_close_matches
from typing import Any

from django.core.management.base import CommandError

from training.commands import ProjectCommand
from training.examples import shipped_counts
from training.models import Project, Tag
from training.names import same_name
from training.services.projects import delete_tag


class Command(ProjectCommand):
    help = "Delete tags of a project; their images stay, without them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("names", nargs="+", metavar="NAME")
        parser.add_argument("--yes", action="store_true", help="Do not ask.")
        parser.add_argument("--dry-run", action="store_true", help="Say which images would lose a tag.")

    def handle(
        self, *, project: str, names: list[str], yes: bool, dry_run: bool, as_json: bool, **options: Any
    ) -> None:
        chosen = self.get_project(project)
        tags, shipped = self.get_tags(chosen, names), shipped_counts(chosen)
        told = [{"tag": tag.name, "images": tag.image_tags.count(), "shipped": shipped.get(tag.pk, 0)} for tag in tags]
        verb = "would lose" if dry_run or not yes else "lost"
        lines = [f"{each['tag']}: {each['images']} images {verb} it and stay in the project." for each in told]
        lines += [
            f"{each['tag']}: {each['shipped']} vectors shipped with it go too." for each in told if each["shipped"]
        ]
        if not dry_run:
            if not yes:
                self.confirm(lines)
                lines = []
            for tag in tags:
                delete_tag(tag)
            lines.append(f"{len(tags)} tags deleted. Iterations that know them go on saying them.")
        self.tell({"dry_run" if dry_run else "deleted": told}, as_json=as_json, lines=lines)

    def get_tags(self, project: Project, names: list[str]) -> list[Tag]:
        """Return the tags, each once."""
        known = {same_name(tag.name): tag for tag in project.tags.all()}
        for name in names:
            if same_name(name) not in known:
                near = get_close_matches(same_name(name), known, n=1)
                hint = f"did you mean {known[near[0]].name!r}?" if near else "`manage.py tags` lists them."
                raise CommandError(f"There is no tag {name!r} in this project; {hint}", returncode=2)
        return [known[name] for name in dict.fromkeys(map(same_name, names))]

    def confirm(self, lines: list[str]) -> None:
        """Go on only if a person says yes; where nobody can be asked, --yes is needed."""
        self.stderr.write("\n".join(lines))
        try:
            answer = input("Delete? [y/N] ")
        except EOFError:
            raise CommandError("Nobody is there to be asked: call it with --yes.", returncode=2) from None
        if answer.strip().lower() not in {"y", "yes"}:
            raise CommandError("Nothing was deleted.")
