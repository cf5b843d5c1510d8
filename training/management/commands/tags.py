"""`manage.py tags`."""

from typing import Any

from django.db.models import Count

from training.commands import ProjectCommand


class Command(ProjectCommand):
    help = "List a project's tags with their numbers of images."

    def handle(self, *, project: str, as_json: bool, **options: Any) -> None:
        tags = list(
            self.get_project(project)
            .tags.values("name", "type")
            .annotate(image_count=Count("image_tags"))
            .order_by("name")
        )
        self.tell(
            tags,
            as_json=as_json,
            lines=[f"{tag['image_count']:7}  {tag['type']:8}  {tag['name']}" for tag in tags],
        )
