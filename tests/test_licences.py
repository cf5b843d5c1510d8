"""What Classifr runs on may be given on with it; docs/licences.md says under which licences."""

import re
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from engine import backbones
from engine.packages import papers

ROOT = Path(settings.BASE_DIR)
PERMISSIVE = {
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MIT-CMU",
    "MPL-2.0",
    "PSF-2.0",
    "ZPL-2.1",
    "Zlib",
}
SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "LGPL with exceptions": "LGPL-3.0-or-later",
    "MIT License": "MIT",
    "ZPL 2.1": "ZPL-2.1",
}
"""What packages say that speak no SPDX."""
EXCEPTIONS = {"psycopg2-binary": "LGPL-3.0-or-later"}
"""Used as the library that it is, unchanged and exchangeable; docs/licences.md says so."""


def distributions() -> list[str]:
    """Names of those that a server on Linux runs on, or an exported container."""
    texts = (ROOT / "requirements.txt").read_text(), papers.packed("docker/requirements.txt").decode()
    lines = "".join(texts).splitlines()
    return sorted({line.split("==")[0] for line in lines if "==" in line and "win32" not in line})


def licence(name: str) -> str:
    """Return the distribution's licence as an SPDX expression."""
    about: Any = metadata(name)
    said = about.get("License-Expression") or about.get("License") or ""
    if not said or "\n" in said:  # some put the whole text there
        said = next(each.rsplit(" :: ", 1)[1] for each in about.get_all("Classifier", []) if each.startswith("License"))
    return SPDX.get(said, said)


@pytest.mark.parametrize("name", distributions())
def test_licence_allows_what_we_do(name: str) -> None:
    found = licence(name)
    allowed = PERMISSIVE | {EXCEPTIONS.get(name, "")}

    assert set(re.split(" AND | OR ", found)) <= allowed


def test_page_of_licences_is_up_to_date() -> None:
    page = (ROOT / "docs" / "licences.md").read_text()
    table = page.split("|---|---|\n")[1]
    told = dict(re.findall(r"^\| ([a-z0-9-]+) \| ([^|]+) \|$", table, flags=re.MULTILINE))

    assert told == {name: licence(name) for name in distributions()}


def test_licence_of_our_own_is_the_one_that_packages_carry() -> None:
    licence = (ROOT / "LICENSE").read_bytes()

    assert licence.split(b"\n")[2].strip() == b"Version 2.0, January 2004"
    assert papers.licence(next(iter(backbones.cards().values()))).endswith(licence)


def test_every_file_of_others_is_named() -> None:
    notice = (ROOT / "NOTICE").read_text()
    vendored = [path for path in (ROOT / "static" / "vendor").iterdir() if path.name != "README.md"]
    models = [path for path in (ROOT / "engine" / "models").iterdir() if path.suffix in {".onnx", ".safetensors"}]

    assert [path.name for path in (*vendored, *models) if str(path.relative_to(ROOT)) not in notice] == []
