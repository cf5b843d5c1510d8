"""Every operation of the SDKs that programs have, unmodified, against a whole site."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.customvision.clients.conftest import SDKS
from tests.customvision.clients.whole_site import Site
from tests.customvision.recordings import ANSWERS, differences

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("clients")]

WALK = Path(__file__).parent / "walk.py"


def walk(site: Site, sdk: str, tree: Path, picture_url: str) -> dict[str, Any]:
    """Return what that SDK has been told of every operation."""
    environment = {**os.environ, **site.environment_of_programs(), "PYTHONPATH": str(SDKS[sdk] or "")}
    command = [sys.executable, str(WALK), str(tree), picture_url]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, timeout=300)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_every_operation_answers_as_the_service_does(site: Site, sdk: str, tree: Path, picture_url: str) -> None:
    told = walk(site, sdk, tree, picture_url)

    assert told["version"] == sdk
    assert [f"{each['operation']}: {each['error']}" for each in told["found"] if "error" in each] == []
    assert sorted({each["operation"] for each in told["found"]}) == told["operations"]
    wrong = [
        f"{each['operation']}: {difference}"
        for each in told["found"]
        if each["operation"] in ANSWERS
        for difference in differences(each["body"], ANSWERS[each["operation"]])
    ]
    assert wrong == []
    for each in told["found"]:
        has_body = each["operation"] in ANSWERS
        assert each["status"] == (200 if has_body or each["operation"] == "get_artifact" else 204), each
        assert each["kind"] in ({"application/json; charset=utf-8"} if has_body else {"", "application/octet-stream"})
