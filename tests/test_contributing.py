"""What contributors are told is true: numbers, paths, targets, hooks, and the drawing of the floors."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.conf import settings

from classifr import __version__
from tests.test_layers import LAYERS

ROOT = Path(settings.BASE_DIR)
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def test_version_is_the_newest_of_the_changelog() -> None:
    numbers = re.findall(r"^## (\d+\.\d+\.\d+) – \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert numbers[0] == __version__
    assert numbers == sorted(numbers, key=lambda each: [int(part) for part in each.split(".")], reverse=True)


def test_every_target_says_what_it_does() -> None:
    told = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    targets = re.search("^\\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert targets
    assert sorted(line.split()[0] for line in told.splitlines()) == sorted(targets[1].split())
    assert all(len(line.split()) > 2 for line in told.splitlines())


def test_one_test_is_run_alone_and_without_the_linters() -> None:
    command = ["make", "--no-print-directory", "--dry-run", "test", "ONE=tests/test_layers.py::test_x"]
    planned = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout

    assert planned.splitlines()[-1].endswith("-m pytest -m '' tests/test_layers.py::test_x")
    assert "ruff" not in planned


def test_bench_ends_with_the_first_script_that_fails(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/scripts\nexit 3\n')
    python.chmod(0o755)

    command = ["make", "--assume-old=.venv/dev", f"BIN={tmp_path}", "bench"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert "Error 3" in told.stderr
    assert len((tmp_path / "scripts").read_text().splitlines()) == 1


def test_hooks_are_linters_that_are_installed() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    recipe = (ROOT / "Makefile").read_text()

    programs = [Path(hook["entry"].split()[0]) for hook in hooks]

    assert {program.parent for program in programs} == {Path(".venv/bin")}
    assert [each.name for each in programs if not (Path(sys.executable).parent / each.name).exists()] == []
    assert [each.name for each in programs if f"\t$(BIN)/{each.name}" not in recipe] == []
    subprocess.run([sys.executable, "-m", "pre_commit", "validate-config"], cwd=ROOT, check=True)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_that_names_a_file_leads_to_it(page: Path) -> None:
    links = re.findall(r"\[`([^`]+)`\]\((?!https?:)([^)#]+)", page.read_text())

    assert [link for name, link in links if not link.endswith(name)] == []


def test_every_path_that_contributors_are_told_exists() -> None:
    paths = re.findall(r"`((?:[a-z_.]+/)+[a-z_.]*)[`:]", (ROOT / "CONTRIBUTING.md").read_text())

    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).exists() and not [*ROOT.glob(f"*/{path}")]] == []


def test_drawing_shows_every_floor() -> None:
    drawing = (ROOT / "docs" / "architecture.md").read_text().split("```")[1].strip().splitlines()
    rooms = [re.findall(r"│ ([a-z]+)  +(?=[a-z])", line) for line in drawing]

    assert [" | ".join(each) for each in rooms if each] == LAYERS
    assert len({len(line) for line in drawing}) == 1
