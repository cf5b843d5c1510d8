"""The pages of a project: where they are, what they say, what is sent to them, and rows for them to show."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from tests import factories
from training.models import Image, Project


def url(name: str, *args: Any) -> str:
    return reverse(f"training:{name}", args=args)


def said(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def photo(name: str = "dish.jpg", **fields: Any) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, factories.make_photo(**fields), "image/jpeg")


def send(site: Client, project: Project, *files: SimpleUploadedFile, **fields: Any) -> HttpResponse:
    headers = {"Accept": "application/json"}
    data = {"files": list(files), **fields}
    return site.post(url("images_upload", project.pk), data, headers=headers)  # type: ignore[return-value]


def make_image(project: Project, **fields: Any) -> Image:
    values = {"picture": factories.make_picture(), "original_sha256": "0" * 64, **fields}
    return Image.objects.create(project=project, **values)


def make_trainable(project: Project) -> None:
    for name in ("pizza", "risotto"):
        tag = project.tags.create(name=name)
        for _ in range(5):
            make_image(project).image_tags.create(tag=tag, is_only=True)
