"""A site that an earlier release filled keeps everything when it is opened by this one."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.classifr.backups.place import Place

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("backup")]

RENAMED = {"jobs.job": {"title": "msgid"}}
"""By model, fields of earlier releases and what they are called now."""
RELEASED = Path(__file__).parent / "released"
"""Of each release a backup of what `tests.classifr.a_site fill` made, and what `tell` and `predict` said of it then."""


@pytest.mark.parametrize("release", ["0.1.0"])
def test_site_of_an_earlier_release_keeps_everything(release: str, photo: Path, tmp_path: Path) -> None:
    told = _renamed(json.loads(gzip.decompress((RELEASED / f"{release}.json.gz").read_bytes())))
    here = Place(tmp_path / "var")

    here.manage("restore", RELEASED / f"{release}.tar.gz")

    now = here.tell()
    kept = _rows(now, like=told)
    assert [row for row in _rows(told, like=told) if row not in kept] == []
    assert told["blobs"].items() <= now["blobs"].items()
    assert now["pages"] == [200, 200, 200]
    assert _by_tag(here.probabilities(photo)) == pytest.approx(_by_tag(told["predictions"]), abs=1e-4)


def _renamed(told: dict[str, Any]) -> dict[str, Any]:
    """Return what a release told of itself, in the words of this one."""
    for model, names in RENAMED.items():
        for row in told["rows"].get(model, []):
            row["fields"] = {names.get(name, name): value for name, value in row["fields"].items()}
    return told


def _rows(told: dict[str, Any], *, like: dict[str, Any]) -> list[tuple[str, int, dict[str, Any]]]:
    """Return model, key and fields of each row, with those models and fields alone that `like` has."""
    fields = {model: set(rows[0]["fields"]) for model, rows in like["rows"].items()}
    return [
        (model, row["pk"], {name: value for name, value in row["fields"].items() if name in names})
        for model, names in fields.items()
        for row in told["rows"][model]
    ]


def _by_tag(predictions: list[dict[str, Any]]) -> dict[str, float]:
    return {each["tag"]: each["probability"] for each in predictions}
