"""Print how long the developers' pages and steps take on a project of 100,000 images: rows, without their blobs."""

import hashlib
import io
import os
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

COUNT = 100_000
TAGS = 101
ROUNDS = 5


def fill() -> Any:
    """Make a project with so many images, each with a tag."""
    from catalog.models import Picture
    from training.models import Image, ImageTag, Tag
    from training.services.projects import create_project

    project = create_project(name="Bench")
    tags = Tag.objects.bulk_create(Tag(project=project, name=f"tag {number}") for number in range(TAGS))
    names = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(COUNT)]
    pictures = Picture.objects.bulk_create(
        (
            Picture(sha256=name, format="JPEG", width=512, height=384, byte_size=40_000, blob_key=f"pictures/{name}")
            for name in names
        ),
        batch_size=5_000,
    )
    images = Image.objects.bulk_create(
        (
            Image(project=project, picture=picture, original_sha256=picture.sha256, name=f"{number}.jpg")
            for number, picture in enumerate(pictures)
        ),
        batch_size=5_000,
    )
    ImageTag.objects.bulk_create(
        (ImageTag(image=image, tag=tags[number % TAGS], is_only=True) for number, image in enumerate(images)),
        batch_size=5_000,
    )
    return project


def developer() -> Any:
    """Return a client of the site in which a developer is signed in."""
    from django.contrib.auth.models import Group
    from django.test import Client

    from accounts.models import DEVELOPERS, User

    user = User.objects.create_user("developer")
    user.groups.add(Group.objects.get(name=DEVELOPERS))
    client = Client()
    client.force_login(user)
    return client


def shown(client: Any, address: str) -> None:
    """Open a page; end everything if it cannot be shown."""
    status = client.get(address).status_code
    if status != 200:
        raise SystemExit(f"{address} answers {status}.")


def timed(what: str, call: Any) -> None:
    """Print the median of some calls, after one that is not counted."""
    call()
    times = []
    for _ in range(ROUNDS):
        started = perf_counter()
        call()
        times.append(perf_counter() - started)
    print(f"volume, {COUNT} images, {what}: {1000 * median(times):.0f} ms")


def main() -> None:
    os.environ |= {"CLASSIFR_VAR": tempfile.mkdtemp(), "SECRET_KEY": "bench", "LOG_LEVEL": "ERROR"}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "classifr.settings", "ALLOWED_HOSTS": "testserver", "DEBUG": "true"}
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from training import examples
    from training.models import Image, Tag
    from training.services.learning import has_changed

    call_command("migrate", verbosity=0)
    project = fill()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    client = developer()
    tag = Tag.objects.filter(project=project).order_by("pk")[50].pk
    deep = Image.objects.order_by("pk")[1_000].pk
    pages = {
        "projects": "/projects/",
        "the project": f"/projects/{project.pk}/",
        "first page of images": f"/projects/{project.pk}/images/",
        "a deep page of images": f"/projects/{project.pk}/images/?before={deep}",
        "images of a tag": f"/projects/{project.pk}/images/?tag={tag}",
        "untagged images": f"/projects/{project.pk}/images/?tag=none",
        "iterations": f"/projects/{project.pk}/iterations/",
    }
    for what, address in pages.items():
        timed(what, lambda address=address: shown(client, address))
    timed("whether a training is worth it", lambda: has_changed(project, examples.check(project)))
    timed("fingerprint", lambda: examples.fingerprint(project, list(project.tags.all()), seed=0))
    timed("reading the images to train on", lambda: examples.load(project))
    timed("manage.py tags", lambda: call_command("tags", project="Bench", stdout=io.StringIO()))


if __name__ == "__main__":
    main()
