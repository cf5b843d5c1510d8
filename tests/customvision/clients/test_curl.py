"""Pictures as curl sends them, in each of the ways that samples and portals show."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import requests

from tests import factories
from tests.conftest import lacking
from tests.customvision.clients.whole_site import Site

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("clients")]

WAYS = {
    "form": ["-F", "imageData=@{file}"],
    "form with a type": ["-F", "imageData=@{file};type=image/jpeg"],
    "form without a file name": ["-F", "imageData=<{file}"],
    "form with another name": ["-F", "file=@{file};filename=a b.jpg"],
    "bytes": ["--data-binary", "@{file}", "-H", "Content-Type: application/octet-stream"],
    "bytes as curl names them": ["--data-binary", "@{file}"],
    "bytes as a photograph": ["--data-binary", "@{file}", "-H", "Content-Type: image/jpeg"],
    "chunks": ["-X", "POST", "-T", "-", "-H", "Content-Type: application/octet-stream"],
    "chunks of a form": ["-F", "imageData=@-", "-H", "Transfer-Encoding: chunked"],
}


def curl(*words: str, stdin: bytes = b"") -> bytes:
    if shutil.which("curl") is None:
        lacking("curl")
    command = ["curl", "--silent", "--show-error", "--max-time", "60", *words]
    return subprocess.run(command, input=stdin, check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def project_id(site: Site) -> str:
    """The starter project's, which is published."""
    address, headers = f"{site.address}/customvision/v3.3/training/projects", {"Training-key": site.key}
    projects = requests.get(address, headers=headers, timeout=20).json()
    return next(str(each["id"]) for each in projects if each["name"] == "Food-101")


@pytest.fixture
def endpoint(site: Site, project_id: str) -> str:
    return f"{site.address}/customvision/v3.0/Prediction/{project_id}/classify/iterations/live/image/nostore"


@pytest.mark.parametrize("way", WAYS)
def test_picture_is_classified_however_it_is_sent(site: Site, endpoint: str, tmp_path: Path, way: str) -> None:
    photo = factories.make_photo(seed=5) + bytes(2_000_000)  # curl asks first
    (tmp_path / "photo.jpg").write_bytes(photo)
    words = [word.format(file=tmp_path / "photo.jpg") for word in WAYS[way]]

    answer = json.loads(curl(*words, "-H", f"Prediction-Key: {site.key}", endpoint, stdin=photo))

    assert len(answer["predictions"]) == 101


def test_picture_that_is_too_big_is_refused(site: Site, endpoint: str) -> None:
    told = curl(
        "--verbose",
        "--stderr",
        "-",
        "-F",
        "imageData=@-",
        "-H",
        f"Prediction-Key: {site.key}",
        endpoint,
        stdin=bytes(9_000_000),
    )

    assert b"HTTP/1.1 413" in told
    assert b"BadRequestImageSizeBytes" in told


def test_body_of_nothing_is_none_whatever_it_is_called(site: Site, project_id: str) -> None:
    address = f"{site.address}/customvision/v3.3/training/projects/{project_id}"

    answer = json.loads(curl("-X", "PATCH", "-d", "", "-H", f"Training-Key: {site.key}", address))

    assert answer["id"] == project_id
