"""Build packages, and prove that they answer as Classifr does."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine import images
from engine.backbones import Backbone, open_session
from engine.exceptions import EngineError
from engine.heads import Head
from engine.packages import papers
from engine.packages.graph import INPUT, OUTPUT, to_onnx
from engine.packages.papers import TOLERANCE, Origin

FLAVORS: Mapping[str, tuple[str | None, ...]] = {"DockerFile": (None, "Linux", "ARM"), "ONNX": (None,)}
"""What can be built: the flavors of each platform; None is what one gets who asks for none."""
_EARLIEST = (1980, 1, 1, 0, 0, 0)


class NotTheSame(EngineError):
    """A package answers otherwise than Classifr; it must not be used."""


@dataclass(frozen=True)
class Golden:
    """A picture on which every copy of the model must agree."""

    name: str
    square: Image.Image
    """RGB, as the exported model takes it."""
    expected: tuple[float, ...]
    """Classifr's probability of each tag."""


def golden(contents: Mapping[str, bytes], *, head: Head, backbone: Backbone) -> list[Golden]:
    """Return what Classifr says of these picture files, by name. Raises RefusedPicture."""
    found = []
    for name, content in contents.items():
        image = images.decode(content, limits=images.TRAINING, shorter_side=backbone.card.resize)
        probabilities = head.probabilities(backbone.embed(backbone.prepare(image)[None]))[0]
        found.append(Golden(name, _square(image, side=backbone.card.resize), tuple(probabilities.tolist())))
    return found


def synthetic_pictures(count: int = 4, *, side: int = 320) -> dict[str, bytes]:
    """Return picture files made of coloured clouds, always the same, for a model whose own pictures are gone."""
    random = np.random.default_rng(0)
    return {
        f"synthetic-{number}": _png(
            Image.fromarray(random.integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize((side, side))
        )
        for number in range(count)
    }


def build(
    *, head: Head, backbone: Backbone, pictures: Sequence[Golden], about: Mapping[str, Any], origin: Origin
) -> bytes:
    """Return the package, a zip file; the same arguments give the same bytes.

    about: what the manifest is to say beside the preprocessing, such as names and figures. Raises ModelFileError.
    """
    card = backbone.card
    properties = papers.properties(head, card)
    model = to_onnx(head, backbone, properties=properties)
    squares = {f"golden/{number}.png": each for number, each in enumerate(pictures)}
    expected = {file: (each.name, each.expected) for file, each in squares.items()}
    files = {
        "model.onnx": model,
        "labels.txt": papers.labels(head),
        "cvexport.manifest": papers.cvexport(model, origin),
        "metadata_properties.json": papers.as_json(properties),
        "LICENSE": papers.licence(card),
        "manifest.json": papers.as_json(papers.manifest(head, card, model, expected) | dict(about)),
        **{file: _png(each.square) for file, each in squares.items()},
    }
    return _zipped(_around_docker(files) if origin.platform == "DockerFile" else files | _sample())


def check(package: bytes) -> None:
    """Run a package on its golden pictures; raise NotTheSame where it answers otherwise than Classifr did."""
    with zipfile.ZipFile(io.BytesIO(package)) as opened:
        model = next(name for name in opened.namelist() if name.endswith("model.onnx"))
        session = open_session(opened.read(model), threads=1)
        for each in json.loads(opened.read("manifest.json"))["golden"]:
            with Image.open(io.BytesIO(opened.read(each["file"]))) as square:
                pixels = np.asarray(square, dtype=np.float32).transpose(2, 0, 1)[None] / 255
            found: NDArray[np.float32] = session.run([OUTPUT], {INPUT: pixels})[0][0]
            _compare(each["name"], found, np.array(list(each["expected"].values())), list(each["expected"]))


def _sample() -> dict[str, bytes]:
    names = ("python/onnxruntime_predict.py", "python/requirements.txt")
    return {name: papers.packed(name) for name in names}


def _around_docker(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files where a container's recipe expects them, with the recipe."""
    in_app = ("model.onnx", "labels.txt")
    return {
        "Dockerfile": papers.packed("docker/Dockerfile"),
        "README.md": papers.packed("docker/README.md"),
        "app/app.py": papers.packed("docker/app.py"),
        "app/fetching.py": papers.packed("docker/fetching.py"),
        "app/requirements.txt": papers.packed("docker/requirements.txt"),
        "app/onnxruntime_predict.py": papers.packed("python/onnxruntime_predict.py"),
        **{f"app/engine/{name}": content for name, content in papers.reading_pictures().items()},
        **{f"app/{name}" if name in in_app else name: content for name, content in files.items()},
    }


def _zipped(files: Mapping[str, bytes]) -> bytes:
    written = io.BytesIO()
    # Not compressed: weights hardly shrink, and it would take a second.
    with zipfile.ZipFile(written, "w") as package:
        for name, content in files.items():
            package.writestr(zipfile.ZipInfo(name, _EARLIEST), content)
    return written.getvalue()


def _square(image: Image.Image, *, side: int) -> Image.Image:
    """Return the largest square in the middle, scaled to that side."""
    shorter = min(image.size)
    left, top = (image.width - shorter) / 2, (image.height - shorter) / 2
    return image.resize((side, side), Image.Resampling.BICUBIC, box=(left, top, left + shorter, top + shorter))


def _compare(name: str, found: NDArray[np.float32], expected: NDArray[np.float64], tags: Sequence[str]) -> None:
    if len(found) != len(expected):
        raise NotTheSame(f"On {name} the package gives {len(found)} probabilities, Classifr {len(expected)}.")
    if tags[int(found.argmax())] != tags[int(expected.argmax())]:
        raise NotTheSame(
            f"On {name} the package says {tags[int(found.argmax())]}, Classifr {tags[int(expected.argmax())]}."
        )
    gap = float(np.abs(found - expected).max())
    if not gap <= TOLERANCE:
        raise NotTheSame(f"On {name} a probability differs by {gap:.2g}; at most {TOLERANCE:g} is accepted.")


def _png(image: Image.Image) -> bytes:
    written = io.BytesIO()
    image.save(written, "PNG", compress_level=1)  # noise becomes no smaller, and photographs hardly
    return written.getvalue()
