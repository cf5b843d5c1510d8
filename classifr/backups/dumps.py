"""The database as a file, by PostgreSQL's own programs.

The connection is the one of the settings; its password goes by the environment, where other users cannot read it.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from django.apps import apps
from django.db import connection
from psycopg2.extensions import make_dsn

from classifr.backups.exceptions import BackupError
from classifr.embedded_postgres.programs import CARRIED, programs

TRANSIENT = ("sessions.Session", "django_tasks_database.DBTaskResult")
"""Models, beside the unlogged ones, whose rows are worth nothing tomorrow: people sign in and jobs are queued again."""


def server_version() -> int:
    """Return the major version of the server."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
        return int(cursor.fetchone()[0])


def dump(path: Path, *, snapshot: str) -> None:
    """Write what that exported snapshot sees, without what is transient. Raises BackupError."""
    tables = [apps.get_model(label)._meta.db_table for label in TRANSIENT]  # noqa: SLF001  # Django documents it
    excluded = [f"--exclude-table-data={table}" for table in tables]
    _run(
        "pg_dump", "--format=custom", "--no-unlogged-table-data", *excluded, f"--snapshot={snapshot}", f"--file={path}"
    )


def restore(path: Path, *, instead_of: Iterable[str]) -> None:
    """Put the dump in place of those tables, in one transaction. Raises BackupError; then nothing has changed.

    pg_restore writes SQL and psql runs it: tables that the dump does not know have to go in the same transaction. The
    SQL is a file and no pipe, as psql would commit the half of a pg_restore that died.
    """
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        before, wanted, script = (Path(folder) / name for name in ("before.sql", "wanted", "dump.sql"))
        tables = ", ".join(connection.ops.quote_name(name) for name in instead_of)
        before.write_text(
            "SET client_min_messages = warning;\nCREATE EXTENSION IF NOT EXISTS vector;\n"
            + (f"DROP TABLE IF EXISTS {tables} CASCADE;\n" if tables else "")
        )
        contents = _output("pg_restore", "--list", str(path))
        # Extensions belong to the server: who restores may have no right to make them again.
        wanted.write_text(re.sub("(?m)^[0-9]+; .* (EXTENSION|SCHEMA) .*\n", "", contents))
        options = ("--no-owner", "--no-privileges", "--clean", "--if-exists", f"--use-list={wanted}")
        _output("pg_restore", *options, f"--file={script}", str(path))
        connection.close()
        _run(
            "psql",
            "--no-psqlrc",
            "--quiet",
            "--single-transaction",
            "--set=ON_ERROR_STOP=1",
            "--output=/dev/null",
            f"--file={before}",
            f"--file={script}",
        )


def _run(name: str, *arguments: str) -> None:
    """Run one of the programs on the database of the settings."""
    connection.ensure_connection()
    where = connection.get_connection_params()
    where.pop("cursor_factory")  # psycopg2's own
    password = where.pop("password", None)
    _output(name, *arguments, f"--dbname={make_dsn(**where)}", secrets={"PGPASSWORD": password} if password else {})


def _output(name: str, *arguments: str, secrets: Mapping[str, str] = MappingProxyType({})) -> str:
    command = [find_program(name, server_version()), *arguments]
    done = subprocess.run(  # noqa: S603  # our own arguments
        command, env={**os.environ, **secrets}, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise BackupError(f"{name} failed: {lines[0]}")
    return done.stdout


def find_program(name: str, version: int) -> str:
    """Return the path of PostgreSQL's program for a server of that major version. Raises BackupError.

    The wheel of the embedded server carries some; for a newer server it is one on PATH.
    """
    for carried in sorted(CARRIED):
        if carried >= version:
            return str(programs(carried) / name)
    program = shutil.which(name)
    if program is None or _version_of(program) < version:
        raise BackupError(f"The database is PostgreSQL {version}: put its {name} on PATH.")
    return program


def _version_of(program: str) -> int:
    said = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout  # noqa: S603
    match = re.search("[0-9]+", said)
    return int(match[0]) if match else 0
