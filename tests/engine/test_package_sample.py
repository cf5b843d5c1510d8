"""The sample code of a package answers as the server does, on a machine that has nothing else of ours."""

import ast
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from engine import backbones, heads
from engine.packages import papers
from tests import factories
from tests.crafted import exif, picture, saved, with_profile
from tests.engine.packages import build, keen_head, said_by_server, unpack

pytestmark = pytest.mark.slow

TAGS = ("cannoli", "risotto", "crème brûlée")
ALLOWED = {"numpy", "onnxruntime", "PIL"}


@pytest.fixture(params=sorted(backbones.cards()))
def head(request: pytest.FixtureRequest) -> heads.Head:
    return keen_head(request.param, tags=TAGS)


def odd_pictures() -> dict[str, bytes]:
    clear = picture(mode="RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    palette = picture().quantize(8)
    deep = Image.fromarray(np.linspace(0, 65_535, 300 * 400).reshape(300, 400).astype(np.uint16))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    turned = {f"turned-{n}.jpg": factories.make_photo(seed=n, exif=exif(n)) for n in range(1, 9)}
    return turned | {
        "big.jpg": factories.make_photo(seed=9, size=(2600, 1700)),
        "tall.png": factories.make_photo(seed=10, size=(700, 2300), format="PNG"),
        "upright.jpg": factories.make_photo(seed=14, size=(3000, 4000)),
        "turned.png": factories.make_photo(seed=11, format="PNG", exif=exif(6)),
        "clear.png": saved(clear, "PNG"),
        "palette.png": saved(palette, "PNG", transparency=3),
        "deep.png": saved(deep, "PNG"),
        "small.gif": factories.make_photo(seed=12, size=(150, 100), format="GIF"),
        "clear.gif": saved(palette, "GIF", transparency=3),
        "some.bmp": factories.make_photo(seed=13, format="BMP"),
        "grey.jpg": saved(picture(mode="L")),
        "print.jpg": saved(picture(mode="CMYK")),
        "wrong-profile.jpg": with_profile(profile),
        "broken-profile.jpg": with_profile(b"no profile at all"),
    }


def run_sample(folder: Path, paths: Sequence[Path]) -> dict[str, dict[str, float]]:
    """Return what the sample code prints, by the files' names."""
    command = [sys.executable, "-E", "-s", "python/onnxruntime_predict.py", *map(str, paths)]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=120)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return {
        Path(answer["file"]).name: {each["tagName"]: each["probability"] for each in answer["predictions"]}
        for answer in answers
    }


def test_it_says_what_the_server_says(head: heads.Head, tmp_path: Path) -> None:
    folder = unpack(build(head), tmp_path)
    pictures = odd_pictures()
    for name, content in pictures.items():
        (folder / name).write_bytes(content)

    said = run_sample(folder, [folder / name for name in pictures])

    assert said == {name: pytest.approx(said_by_server(each, head), abs=1e-4) for name, each in pictures.items()}


@pytest.mark.slow
def test_it_says_what_the_server_says_of_photographs(head: heads.Head, food101: Path, tmp_path: Path) -> None:
    folder = unpack(build(head), tmp_path)
    paths = sorted((food101 / "images" / "Test").glob("*.jpg"))

    said = run_sample(folder, paths)

    expected = {path.name: pytest.approx(said_by_server(path.read_bytes(), head), abs=1e-4) for path in paths}
    assert said == expected


def test_it_needs_what_its_requirements_name_and_nothing_else() -> None:
    modules = {name: ast.parse(content) for name, content in papers.code("").items()}
    nodes = [node for code in modules.values() for node in ast.walk(code)]
    named = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    ours = {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in modules}

    assert {name for name in named if name.startswith("engine")} <= ours
    assert {name.split(".")[0] for name in named} - set(sys.stdlib_module_names) == ALLOWED | {"engine"}


def test_it_refuses_what_is_no_picture(tmp_path: Path) -> None:
    folder = unpack(build(heads.loads(factories.make_head(*TAGS))), tmp_path)
    (folder / "notes.jpg").write_text("no picture")

    with pytest.raises(subprocess.CalledProcessError) as raised:
        run_sample(folder, [folder / "notes.jpg"])

    assert "The file is not a picture but a file of type text." in raised.value.stderr
