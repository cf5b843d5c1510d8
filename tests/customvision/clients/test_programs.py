"""Programs that were written for the service: only endpoint and keys are others."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.customvision.clients.conftest import SDKS
from tests.customvision.clients.whole_site import Site

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("clients")]

PROGRAMS = Path(__file__).parent / "programs"
PERCENT = re.compile(r"(\w+): ([\d.]+)%")


def run(site: Site, *command: object, **environment: str) -> list[str]:
    """Return the lines that the program says; whatever it complains of is an error."""
    everything = {**os.environ, **site.environment_of_programs(), **environment}
    words = [str(word) for word in command]
    done = subprocess.run(words, env=everything, capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def best_tags(lines: list[str]) -> dict[int, str]:
    """Return the first tag for each numbered picture."""
    numbered = (line.split(" ", 1) for line in lines if line[0].isdigit())
    return {int(number): PERCENT.findall(answers)[0][0] for number, answers in numbered}


def probabilities(line: str) -> list[float]:
    return [float(percent) for _tag, percent in PERCENT.findall(line)]


def run_both(site: Site, images: Path, sdk: str) -> dict[int, str]:
    """Run the two programs of a user: first two dishes, later two more."""
    path = {"PYTHONPATH": str(SDKS[sdk] or "")}
    first = run(site, sys.executable, PROGRAMS / "create_and_train.py", images, **path)
    project = first[0].removeprefix("Project ")
    second = run(site, sys.executable, PROGRAMS / "add_categories.py", images, project, **path)

    assert not [line for line in [*first, *second] if line.startswith("Image")]
    assert second[second.index("Published Iteration 2") + 1] == "Unpublished classifyModel"
    numbered = [line for line in second if line[0].isdigit()]
    assert [len(probabilities(line)) for line in numbered] == [4] * 6
    assert all(abs(sum(probabilities(line)) - 100) < 0.1 for line in numbered)
    return best_tags(first) | best_tags(second)


def test_programs_of_a_user_run_from_start_to_end(site: Site, tree: Path, sdk: str) -> None:
    found = run_both(site, tree, sdk)

    told_apart = ["risotto", "cannoli"] * 3 + ["tiramisu", "pizza"] * 3
    assert [found[number] for number in range(1, 13)] == told_apart


def test_programs_of_a_user_tell_real_dishes_apart(site: Site, food101: Path) -> None:
    rows = [line.split(",") for line in (food101 / "manifest.csv").read_text().splitlines()]
    dishes = {int(Path(file).stem): dish for file, dish, *_ in rows if file.startswith("images/Test/")}

    found = run_both(site, food101 / "images", "3.1.1")

    assert sum(found[number] == dish for number, dish in dishes.items()) >= 10


def test_quickstart_runs_from_start_to_end(site: Site, tree: Path, sdk: str) -> None:
    told = run(site, sys.executable, PROGRAMS / "quickstart.py", tree, PYTHONPATH=str(SDKS[sdk] or ""))

    assert told[:3] == ["Creating project...", "Adding images...", "Training..."]
    first, second, other = told[told.index("Done!") + 1 :]
    assert (PERCENT.findall(first)[0][0], PERCENT.findall(second)[0][0]) == ("risotto", "cannoli")
    assert other.strip() == "cannoli"


def test_client_for_javascript_runs_from_start_to_end(
    site: Site, tree: Path, node_modules: Path, picture_url: str
) -> None:
    told = run(site, "node", PROGRAMS / "quickstart.js", tree, picture_url, NODE_PATH=str(node_modules))

    assert told == [
        *["cannoli OK"] * 8,
        *["pizza OK"] * 8,
        "Training Completed true",
        "memory cannoli 2 true",
        "stream cannoli 2 true",
        "address pizza 2 true",
        "refused 404 NotFoundIteration",
        "deleted",
    ]
