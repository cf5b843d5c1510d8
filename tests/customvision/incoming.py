"""Images that come in: the tags put on them, and what became of each."""

from typing import Any

from training.models import Project
from training.services.projects import create_tags


def make_tag(project: Project, name: str = "hemlock", **fields: Any) -> str:
    return str(create_tags(project=project, names=[name], **fields)[0][0].uid)


def statuses(answer: Any) -> list[str]:
    return [each["status"] for each in answer.json()["images"]]
