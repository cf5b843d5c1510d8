"""`manage.py tags`."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Count

from training.commands import ProjectCommand
from training.examples import shipped_counts


class Command(ProjectCommand):
    help = "List a project's tags with their numbers of images."

    def handle(self, *, project: str, as_json: bool, **options: Any) -> None:
        chosen = self.get_project(project)
        shipped = shipped_counts(chosen)
        rows = chosen.tags.values_list("pk", "name", "type").annotate(count=Count("image_tags")).order_by("name")
        tags = [
            {"name": name, "type": type_, "image_count": count, "shipped_count": shipped.get(pk, 0)}
            for pk, name, type_, count in rows
        ]
        self.tell(tags, as_json=as_json, lines=[_line(tag) for tag in tags])


def _line(tag: Mapping[str, Any]) -> str:
    along = f", and {tag['shipped_count']} vectors shipped with the model" if tag["shipped_count"] else ""
    return f"{tag['image_count']:7}  {tag['type']:8}  {tag['name']}{along}"
