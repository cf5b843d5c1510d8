"""Settings that are wrong stop the start; every setting is documented."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    code = "from classifr import settings; print(repr(settings.SECRET_KEY))"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, cwd=ROOT)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CLASSIFR_PORT", "eighty"),
        ("CLASSIFR_THREADS", "0"),
        ("DEBUG", "perhaps"),
        ("CLASSIFR_URL_FETCH_ALLOW", "localhost:80"),
    ],
)
def test_nonsense_stops_the_start_and_names_the_variable(name: str, value: str) -> None:
    done = start(**{name: value})

    assert done.returncode != 0
    assert name in done.stderr


def test_secret_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-a-file\n")

    assert start(SECRET_KEY="", SECRET_KEY_FILE=str(tmp_path / "key")).stdout == "'from-a-file'\n"


def test_there_is_no_default_secret(tmp_path: Path) -> None:
    assert start(SECRET_KEY="", CLASSIFR_VAR=str(tmp_path)).stdout == "''\n"


def test_every_setting_is_documented() -> None:
    source = (ROOT / "classifr" / "settings.py").read_text()
    names = set(re.findall(r'(?:env\.\w+|secret)\("([A-Z_]+)"', source))

    for page in ("docs/settings.md", ".env.example"):
        text = (ROOT / page).read_text()
        assert {name for name in names if name not in text} == set(), page


def test_every_command_is_documented() -> None:
    commands = {path.stem for path in ROOT.glob("*/management/commands/*.py") if path.stem != "__init__"}
    text = (ROOT / "docs" / "commands.md").read_text()

    assert {name for name in commands if f"manage.py {name}" not in text} == set()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CLASSIFR_SAS_SECONDS", "-5"),
        ("CLASSIFR_CUSTOMVISION_TIMEOUT_SECONDS", "0"),
        ("CLASSIFR_AZURE_CONNECTION_STRING", "nonsense"),
        ("DATABASE_URL", "nonsense"),
        ("LOG_LEVEL", "LOUD"),
        ("SECRET_KEY_FILE", "/nowhere"),
    ],
)
def test_senseless_value_is_named_too(name: str, value: str) -> None:
    done = start(**{name: value})

    assert done.returncode != 0
    assert name in done.stderr.splitlines()[-1]


def test_pages_may_show_pictures_of_the_storage_account_when_links_lead_there() -> None:
    code = "from classifr import settings; print(settings.CONTENT_SECURITY_POLICY['DIRECTIVES']['img-src'])"
    environment = {
        "CLASSIFR_AZURE_CONNECTION_STRING": "DefaultEndpointsProtocol=https;AccountName=mine;AccountKey=a2V5",
        "CLASSIFR_SAS_SECONDS": "60",
    }

    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, cwd=ROOT
    )

    assert "https://mine.blob.core.windows.net" in done.stdout
