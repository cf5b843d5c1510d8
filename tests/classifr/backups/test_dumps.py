"""The programs that write and read the database's part."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from classifr.backups import dumps
from classifr.backups.exceptions import BackupError
from tests.classifr.backups.place import PASSWORD


@pytest.mark.django_db
def test_password_is_on_no_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[list[str], dict[str, str]]] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        seen.append((command, options["env"]))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setitem(connection.settings_dict, "PASSWORD", PASSWORD)
    monkeypatch.setattr(subprocess, "run", run)
    dumps.dump(Path("x"), snapshot="1")

    [(command, environment)] = seen
    assert not any(PASSWORD in argument for argument in command)
    assert environment["PGPASSWORD"] == PASSWORD


@pytest.mark.django_db
def test_tables_of_transient_models_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    dumps.dump(Path("x"), snapshot="1")

    excluded = {part.partition("=")[2] for part in commands[0] if part.startswith("--exclude-table-data=")}
    assert excluded == {"django_session", "django_tasks_database_dbtaskresult"}
    assert excluded <= set(connection.introspection.table_names())


@pytest.mark.django_db
def test_transient_model_that_does_not_exist_fails_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dumps, "TRANSIENT", ("sessions.Sessions",))

    with pytest.raises(LookupError, match="sessions"):
        dumps.dump(Path("x"), snapshot="1")


def test_newer_server_needs_its_own_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = tmp_path / "pg_dump"
    newer.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 19.1'\n")
    newer.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")

    assert dumps.find_program("pg_dump", 19) == str(newer)
    assert dumps.find_program("pg_dump", 15) != str(newer)
    with pytest.raises(BackupError, match="put its pg_dump on PATH"):
        dumps.find_program("pg_dump", 20)
