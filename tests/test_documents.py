"""What the pages of documentation say that a machine can check."""

import argparse
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandError
from pytest_django import Settings

from tests.test_contributing import PAGES, ROOT
from tests.test_layers import FLOORS

HELP = sorted((ROOT / "templates" / "help").glob("*.md"))
TOLD = [*(page for page in PAGES if page.name != "CHANGELOG.md"), *HELP]  # that page tells of what was, too
COMMAND = re.compile(r"(?:manage\.py|(?:^|(?<=`))manage) ([a-z_]+)([^`\n#]*)", re.MULTILINE)
SETTINGS = """
import sys, dotenv
dotenv.load_dotenv = lambda *arguments: None
from classifr import settings
for name in sys.argv[1:]:
    value = getattr(settings, name, None)
    if isinstance(value, (list, tuple)):
        print(",".join(value))
    elif isinstance(value, bool):
        print(str(value).lower())
    elif isinstance(value, float):
        print(f"{value:g}")
    else:
        print(str(value).replace(str(settings.BASE_DIR / "var"), "var/"))
"""


def options_of(command: str) -> dict[str, argparse.Action]:
    return parser_of(command)._option_string_actions


def parser_of(command: str) -> argparse.ArgumentParser:
    app = get_commands()[command]
    made = app if isinstance(app, BaseCommand) else load_command_class(app, command)
    return made.create_parser("manage.py", command)


@pytest.mark.parametrize("page", TOLD, ids=lambda page: page.name)
def test_every_command_exists_with_its_options(page: Path) -> None:
    told = [(name, re.findall(r"(?<![\w-])--[a-z][a-z-]*", rest)) for name, rest in COMMAND.findall(page.read_text())]

    assert [name for name, _ in told if name not in get_commands()] == []
    assert [(name, each) for name, options in told for each in options if each not in options_of(name)] == []


def test_commands_are_told_to_be_tried_without_harm_where_they_can_be() -> None:
    ours = {path.stem for path in ROOT.glob("*/management/commands/*.py") if path.stem != "__init__"}
    [sentence] = re.findall(r"`--dry-run` says [^.]*: ([^.]*)\.", (ROOT / "docs" / "commands.md").read_text())

    assert set(re.findall("`([a-z_]+)`", sentence)) == {name for name in ours if "--dry-run" in options_of(name)}


@pytest.mark.django_db
@pytest.mark.parametrize("command", sorted(get_commands()))
def test_commands_that_are_asked_wrongly_end_with_2(command: str) -> None:
    if "--project" not in options_of(command) or command in {"create_project", "import_customvision"}:
        return
    needed = [action for action in parser_of(command)._actions if action.required]
    arguments = [word for each in needed for word in (*each.option_strings[:1], next(iter(each.choices or ["x"])))]

    with pytest.raises(CommandError) as caught:
        call_command(command, *arguments, "--project", "nowhere")

    assert caught.value.returncode == 2


def test_every_target_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    told = {name for page in TOLD for name in re.findall(r"`(?:\.venv/bin/)?make ([a-z-]+)", page.read_text())}

    assert told - targets == set()


def defaults() -> Iterator[tuple[str, str]]:
    rows = re.findall(r"^\| `([A-Z_]+)`[^|]*\| `([^`]*)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)
    return ((name, default) for name, default in rows)


def test_settings_have_the_defaults_that_are_told() -> None:
    told = dict(defaults())
    command = [sys.executable, "-c", SETTINGS, *told]
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, text=True)

    are = dict(zip(told, done.stdout.splitlines(), strict=True))
    known = {name for name, value in are.items() if value != "None"}
    assert len(known) > 20
    assert {name: are[name] for name in known if are[name] != told[name]} == {}


def test_every_library_that_is_imported_is_named() -> None:
    """One that another happens to bring could go with it."""
    imports = re.compile(r"^ *(?:from|import) ([a-z_A-Z0-9]+)", re.MULTILINE)
    foreign = ROOT / "engine" / "packages" / "files"  # programs of their own, which exported packages hold
    sources = [path for floor in FLOORS for path in (ROOT / floor).rglob("*.py") if foreign not in path.parents]
    names = {name for path in sources for name in imports.findall(path.read_text())}
    distributions = packages_distributions()
    needed = {tuple(sorted(distributions[name])) for name in names if name in distributions}
    named = {re.split(r"[~=<>\[ ]", line)[0].lower() for line in (ROOT / "requirements.in").read_text().splitlines()}

    assert [each for each in needed if not {name.lower() for name in each} & named] == []


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_project_of_the_readme_is_made_as_it_says(
    food101: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On photographs in the folders that it names, line by line."""
    monkeypatch.chdir(food101)
    chapter = (ROOT / "README.md").read_text().partition("## Teach it your own tags")[2].partition("\n## ")[0]
    lines = [line for block in re.findall("```sh\n(.*?)```", chapter, re.DOTALL) for line in block.splitlines()]
    for line in lines:
        words = shlex.split(line, comments=True)
        if words[0] == "export":
            settings.CLASSIFR_PROJECT = words[1].partition("=")[2]
        elif words[0] == "manage":
            call_command(*words[1:])

    said = capsys.readouterr().out
    assert sum(line.startswith("manage ") for line in lines) == 15
    assert "Iteration 2 answers as live, in place of Iteration 1." in said
    assert "Iteration 1 answers again as live, in place of Iteration 2." in said
