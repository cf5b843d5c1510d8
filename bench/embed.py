"""Print how fast stored pictures become stored vectors, beside what the bare runtime does on them already decoded.

CLASSIFR_FOOD101 may name a folder of photographs; without it they are made up.
"""

import io
import os
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
COUNT = 500
ROUNDS = 3
THREADS = os.cpu_count() or 1


def photographs() -> Iterator[bytes]:
    folder = os.environ.get("CLASSIFR_FOOD101")
    if folder:
        yield from (path.read_bytes() for path in sorted(Path(folder, "images").rglob("*.jpg"))[:COUNT])
        return
    random = np.random.default_rng(0)
    for _ in range(COUNT):
        written = io.BytesIO()
        coarse = Image.fromarray(random.integers(0, 256, (48, 64, 3), dtype=np.uint8))
        coarse.resize((512, 384), Image.Resampling.BICUBIC).save(written, "JPEG", quality=90)
        yield written.getvalue()


def bare(prepared: np.ndarray) -> float:
    """Return the seconds that the runtime alone takes: one picture at a time in each thread."""
    from engine import backbones

    backbone = backbones.get("efficientnet-lite0", threads=1)
    backbone.embed(prepared[:1])
    started = perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda row: backbone.embed(prepared[row : row + 1]), range(len(prepared))))
    return perf_counter() - started


def bare_in_batches(prepared: np.ndarray) -> float:
    """Return the seconds that the runtime alone takes: one session on all cores, batches of 16."""
    from engine import backbones

    backbone = backbones.get("efficientnet-lite0", threads=THREADS)
    backbone.embed(prepared[:1])
    started = perf_counter()
    backbone.embed(prepared)
    return perf_counter() - started


def stored(project: "object") -> float:
    """Return the seconds from stored bytes to stored vectors."""
    from catalog.models import Vector
    from jobs.progress import Progress
    from training.vectors import embed_missing

    Vector.objects.all().delete()
    started = perf_counter()
    embed_missing(project, progress=Progress())
    return perf_counter() - started


def main() -> None:
    os.environ |= {"CLASSIFR_VAR": tempfile.mkdtemp(), "SECRET_KEY": "bench", "LOG_LEVEL": "WARNING"}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "classifr.settings"}
    import django

    django.setup()
    from django.core.management import call_command

    from engine import backbones, images
    from training.services.images import upload_images
    from training.services.projects import create_project
    from training.uploads import ImageUpload

    call_command("migrate", verbosity=0)
    contents = list(photographs())
    project = create_project(name="Bench")
    for start in range(0, len(contents), 64):
        batch = [ImageUpload(str(row), content) for row, content in enumerate(contents[start : start + 64])]
        upload_images(project=project, batch=batch, by=None)
    backbone = backbones.get("efficientnet-lite0", threads=1)
    admitted = (images.admit(each, limits=images.TRAINING) for each in contents)
    decoded = (images.decode(each, shorter_side=backbone.card.resize) for each in admitted)
    prepared = np.stack([backbone.prepare(image) for image in decoded])
    whole = min(stored(project) for _ in range(ROUNDS))
    alone = min(bare(prepared) for _ in range(ROUNDS))
    batches = min(bare_in_batches(prepared) for _ in range(ROUNDS))
    count = len(contents)
    print(
        f"embed, {THREADS} threads, {count} pictures: {count / whole:.0f}/s from the storage to the database; the bare "
        f"runtime on decoded pictures: {count / batches:.0f}/s in batches on all cores ({batches / whole:.0%}), "
        f"{count / alone:.0f}/s one a thread ({alone / whole:.0%})"
    )


if __name__ == "__main__":
    main()
