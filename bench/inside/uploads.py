"""Print how fast a batch of pictures is kept, beside checking and storing each of them bare. Runs inside a site."""

import base64
import http.client
import json
import logging
import os
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

from serve import photo

from accounts.keys import create_key
from accounts.models import ApiKey
from catalog import storage
from engine import images
from training.models import Project, Tag
from training.services.images import upload_images
from training.services.projects import create_project, create_tags
from training.uploads import BATCH, ImageUpload

ROUNDS = 9


def batches() -> list[list[bytes]]:
    """Return photos of which no two are the same: they differ in bytes near their end."""
    content = photo(1024, 768, grain=2, quality=75)
    return [
        [content[:-20] + f"{BATCH * number + each:016}".encode() + content[-4:] for each in range(BATCH)]
        for number in range(3 * (ROUNDS + 1))
    ]


def keep_bare(batch: list[bytes]) -> None:
    for content in batch:
        picture = images.admit(content, limits=images.TRAINING)
        storage.write_blob(f"pictures/{picture.sha256[:2]}/{picture.sha256}", picture.content)


def keep(project: Project, tag: Tag, batch: list[bytes]) -> None:
    uploads = [ImageUpload("a.jpg", content, (tag,)) for content in batch]
    results = upload_images(project=project, batch=uploads, by=None)
    if {each.status for each in results} != {"OK"}:
        raise SystemExit(f"not kept: {results}")


def body_of(tag: Tag, batch: list[bytes]) -> bytes:
    entries = [{"name": "a.jpg", "contents": base64.b64encode(content).decode()} for content in batch]
    return json.dumps({"images": entries, "tagIds": [str(tag.uid)]}).encode()


def post(project: Project, key: str, body: bytes) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["CLASSIFR_PORT"]), timeout=60)
    path = f"/customvision/v3.3/training/projects/{project.uid}/images/files"
    connection.request("POST", path, body, {"Training-Key": key, "Content-Type": "application/json"})
    answer = json.load(connection.getresponse())
    if not answer.get("isBatchSuccessful"):
        raise SystemExit(f"not kept: {str(answer)[:400]}")


def main() -> None:
    logging.disable(logging.INFO)
    project = create_project(name="Bench")
    tag = create_tags(project=project, names=["photo"])[0][0]
    _row, key = create_key(name="uploads", scope=ApiKey.Scope.ALL, by=None)
    ways: dict[str, Callable[[Any], None]] = {
        "bare": keep_bare,
        "service": partial(keep, project, tag),
        "HTTP": partial(post, project, key),
    }
    waiting = iter(batches())
    times = defaultdict(list)
    for _ in range(ROUNDS + 1):
        for name, way in ways.items():
            batch = body_of(tag, next(waiting)) if name == "HTTP" else next(waiting)
            started = perf_counter()
            way(batch)
            times[name].append(perf_counter() - started)
    for name, seconds in times.items():
        shares = sorted(a / b for a, b in zip(times["bare"][1:], seconds[1:], strict=True))
        spread = f"{median(shares):.0%} ({shares[0]:.0%} to {shares[-1]:.0%})"
        print(f"api: {BATCH} pictures, {name} {1000 * median(seconds[1:]):.0f} ms = {spread} of the bare speed")
