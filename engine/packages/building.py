"""Build packages, and prove that they answer as Classifr does."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
import PIL
from numpy.typing import NDArray
from PIL import Image

from engine import images
from engine.backbones import Backbone, Card, open_session
from engine.exceptions import EngineError
from engine.heads import Head
from engine.packages import papers
from engine.packages.graph import INPUT, OUTPUT, properties
from engine.packages.papers import TOLERANCE, Origin

FLAVORS: Mapping[str, tuple[str | None, ...]] = {
    "DockerFile": (None, "Linux", "ARM"),
    "ONNX": (None, "ONNX10", "ONNX12"),
}
"""What can be built: the flavors of each platform; None is what one gets who asks for none.

Every flavor of a platform is the same model: in 8 bits it needs operator set 13, so there is none of set 10 or 12.
"""
_EARLIEST = (1980, 1, 1, 0, 0, 0)


class NotTheSame(EngineError):
    """An exported model answers otherwise than Classifr; it must not be used."""

    def __init__(self, *, picture: str, tag: str, answer: float, expected: float) -> None:
        super().__init__(f"On {picture} the exported model says {answer:.6f} of {tag}, Classifr {expected:.6f}.")
        self.picture = picture
        """Name of the golden picture on which they differ most, by the tag's probability."""
        self.tag = tag
        self.answer = answer
        self.expected = expected


@dataclass(frozen=True)
class Golden:
    """A picture on which every copy of the model must agree."""

    name: str
    square: Image.Image
    """RGB, as the exported model takes it."""
    expected: tuple[float, ...]
    """Classifr's probability of each tag."""


def golden(name: str, content: bytes, *, head: Head, backbone: Backbone) -> Golden:
    """Return what Classifr says of a picture file. Raises RefusedPicture."""
    picture = images.admit(content, limits=images.TRAINING)
    image = images.decode(picture, shorter_side=backbone.card.resize)
    square = images.middle(image, resize=backbone.card.resize, crop=backbone.card.resize)
    probabilities = head.probabilities(backbone.embed(backbone.prepare(image)[None]))[0]
    return Golden(name, square, tuple(probabilities.tolist()))


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
    model: bytes,
    *,
    head: Head,
    card: Card,
    pictures: Sequence[Golden],
    about: Mapping[str, Any],
    origin: Origin,
) -> bytes:
    """Return the package of a model that `to_onnx` made, a zip file; the same arguments give the same bytes.

    about: what the manifest is to say beside the preprocessing, such as names and figures.
    """
    squares = {f"golden/{number}.png": each for number, each in enumerate(pictures)}
    expected = {file: (each.name, each.expected) for file, each in squares.items()}
    files = {
        "model.onnx": model,
        "labels.txt": papers.labels(head),
        "cvexport.manifest": papers.cvexport(model, origin),
        "metadata_properties.json": papers.as_json(properties(head, card)),
        "LICENSE": papers.licence(card),
        "manifest.json": papers.as_json(papers.manifest(head, card, model, expected) | dict(about)),
        **{file: _png(each.square) for file, each in squares.items()},
    }
    return _zipped(_around_docker(files) if origin.platform == "DockerFile" else files | _sample(model))


def check(model: bytes, pictures: Sequence[Golden], *, tags: Sequence[str]) -> None:
    """Run a model that `to_onnx` made on golden pictures; raise NotTheSame where it answers otherwise than Classifr."""
    session = open_session(model, threads=1)
    for picture in pictures:
        pixels = np.asarray(picture.square, dtype=np.float32).transpose(2, 0, 1)[None] / 255
        answers: NDArray[np.float32] = session.run([OUTPUT], {INPUT: pixels})[0][0]
        gaps = np.abs(answers - np.array(picture.expected))
        worst = int(gaps.argmax())
        if not gaps[worst] <= TOLERANCE:
            answer, expected = float(answers[worst]), picture.expected[worst]
            raise NotTheSame(picture=picture.name, tag=tags[worst], answer=answer, expected=expected)


def versions() -> str:
    """Return the libraries that decide what an exported model and Classifr answer."""
    return f"onnxruntime {onnxruntime.__version__}, Pillow {PIL.__version__}"


def _sample(model: bytes) -> dict[str, bytes]:
    return {
        "README.md": papers.readme(model),
        **papers.code("python/"),
        "python/requirements.txt": papers.packed("python/requirements.txt"),
    }


def _around_docker(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files where a container's recipe expects them, with the recipe."""
    in_app = ("model.onnx", "labels.txt")
    return {
        "Dockerfile": papers.packed("docker/Dockerfile"),
        "README.md": papers.packed("docker/README.md"),
        "app/app.py": papers.packed("docker/app.py"),
        "app/requirements.txt": papers.packed("docker/requirements.txt"),
        **papers.code("app/"),
        **papers.modules("app/", "fetching"),
        **{f"app/{name}" if name in in_app else name: content for name, content in files.items()},
    }


def _zipped(files: Mapping[str, bytes]) -> bytes:
    written = io.BytesIO()
    # Not compressed: weights hardly shrink, and it would take a second.
    with zipfile.ZipFile(written, "w") as package:
        for name, content in files.items():
            package.writestr(zipfile.ZipInfo(name, _EARLIEST), content)
    return written.getvalue()


def _png(image: Image.Image) -> bytes:
    written = io.BytesIO()
    image.save(written, "PNG", compress_level=1)  # noise becomes no smaller, and photographs hardly
    return written.getvalue()
