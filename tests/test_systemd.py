"""The units in deploy/systemd start what the Procfile and the composition start."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from classifr.supervision import read_procfile
from tests.conftest import lacking

ROOT = Path(settings.BASE_DIR)
UNITS = sorted((ROOT / "deploy" / "systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
SINCE_254 = "Unknown key (name )?'(RestartSteps|RestartMaxDelaySec|RestartMode)'"


def command_of(name: str) -> list[str]:
    [line] = re.findall("^ExecStart=(.*)$", (ROOT / "deploy" / "systemd" / name).read_text(), flags=re.MULTILINE)
    return str(line).removeprefix("/opt/classifr/.venv/bin/").split()


def settings_of(path: Path) -> Iterator[str]:
    """Yield NAME=value for each variable that the unit sets."""
    for line in re.findall("^Environment=(.*)$", path.read_text(), flags=re.MULTILINE):
        yield from line.split()


def test_units_start_what_the_procfile_does() -> None:
    procfile = read_procfile(ROOT / "Procfile")
    web = ROOT / "deploy" / "systemd" / "classifr-web.service"
    of_malloc = [text for text in settings_of(web) if text.startswith("MALLOC")]

    assert ["env", *of_malloc, *command_of(web.name)] == procfile["web"]
    assert command_of("classifr-worker.service") == procfile["worker"]
    assert command_of("classifr-prepare.service") == ["python", "manage.py", "prepare"]


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_what_fails_is_started_again_for_ever_and_may_little(service: Path) -> None:
    text = service.read_text()

    assert {"Restart=on-failure", "StartLimitIntervalSec=0", "User=classifr"} <= set(text.splitlines())
    assert {"NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet="} <= set(text.splitlines())


def test_systemd_understands_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        lacking("systemd-analyze (Debian's package systemd)")
    units = [tmp_path / unit.name for unit in UNITS]
    for unit, copied in zip(UNITS, units, strict=True):
        copied.write_text(unit.read_text().replace("/opt/classifr", str(ROOT)))

    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if not re.search(SINCE_254, line)] == []
