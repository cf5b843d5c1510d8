"""Print, as JSON, how this checkout's engine does on photographs: milliseconds of a prediction and of its network,
and how many pictures a second go from the storage to the database. Runs in a checkout's folder, which may be an older
one's: what it calls has kept its name, or is asked for.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

ROUNDS = 3


def predictions(contents: list[bytes]) -> tuple[float, float]:
    """Return the median milliseconds of a whole prediction on one thread, and of the network alone."""
    from engine import backbones, heads, images

    backbone = backbones.get(backbones.for_domain("Food").name, threads=1)
    head = heads.loads((backbones.MODELS / "food-101.safetensors").read_bytes())

    def taken(content: bytes) -> tuple[Any, dict[str, Any]]:
        """Return what decoding takes: older engines check the file there."""
        if hasattr(images, "admit"):
            return images.admit(content, limits=images.PREDICTION), {}
        return content, {"limits": images.PREDICTION}

    whole, network = [], []
    for content in [contents[0], *contents]:
        started = perf_counter()
        photo, options = taken(content)
        vector = backbone.vector(photo, **options)
        head.probabilities(vector[None])
        whole.append(perf_counter() - started)
        image = images.decode(photo, **options, shorter_side=backbone.card.resize)
        prepared = backbone.prepare(image)[None]
        started = perf_counter()
        backbone.embed(prepared)
        network.append(perf_counter() - started)
    return 1000 * median(whole[1:]), 1000 * median(network[1:])


def embedded_per_second(contents: list[bytes]) -> float:
    """Return the best of some rounds, on all cores, from stored bytes to stored vectors."""
    os.environ |= {"CLASSIFR_VAR": tempfile.mkdtemp(), "SECRET_KEY": "bench", "LOG_LEVEL": "WARNING"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "classifr.settings"
    import django

    django.setup()
    from django.core.management import call_command

    from catalog.models import Vector
    from jobs.progress import Progress
    from training.models import Project
    from training.vectors import embed_missing

    call_command("migrate", verbosity=0)
    call_command("create_project", "Bench", "--domain", "General", stdout=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(contents):
            Path(folder, f"{number}.jpg").write_bytes(content)
        call_command("create_tags", "photo", "--project", "Bench", stdout=sys.stderr)
        about = ["--project", "Bench", "--tag", "photo", "--no-progress"]
        call_command("upload_images", folder, *about, stdout=sys.stderr)
    project = Project.objects.get(name="Bench")
    seconds = []
    for _ in range(ROUNDS):
        Vector.objects.all().delete()
        started = perf_counter()
        embed_missing(project, progress=Progress())
        seconds.append(perf_counter() - started)
    return len(contents) / min(seconds)


def main() -> None:
    sys.path.insert(0, str(Path.cwd()))
    contents = [path.read_bytes() for path in sorted(Path(sys.argv[1]).iterdir())]
    whole, network = predictions(contents)
    told = {"prediction_ms": whole, "network_ms": network, "embedded_per_second": embedded_per_second(contents)}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
