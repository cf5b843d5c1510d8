"""The embedded server starts by itself, is shared, and goes with its last user."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from classifr.embedded_postgres import server

CONNECT = "import django; django.setup(); from django.db import connection; connection.ensure_connection(); "


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A folder of its own, and the embedded server whatever server the other tests use."""
    return {
        **os.environ,
        "DATABASE_URL": "",
        "CLASSIFR_VAR": str(tmp_path / "var"),
        "DJANGO_SETTINGS_MODULE": "classifr.settings",
    }


def run(code: str, environment: dict[str, str]) -> str:
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True, cwd=settings.BASE_DIR
    ).stdout


def servers(environment: dict[str, str]) -> list[psutil.Process]:
    """The PostgreSQL servers that run on that folder."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if process.info["cmdline"]
        and f"{environment['CLASSIFR_VAR']}/postgres" in process.info["cmdline"]
        and "postgres" in process.info["cmdline"][0]
    ]


def test_server_has_pgvector_and_ends_with_its_last_user(environment: dict[str, str]) -> None:
    query = "cursor = connection.cursor(); cursor.execute('SELECT name FROM pg_available_extensions'); "

    names = run(CONNECT + query + "print(cursor.fetchall())", environment)

    assert "'vector'" in names
    assert servers(environment) == []


def test_processes_that_start_it_at_once_share_it(environment: dict[str, str]) -> None:
    commands = [[sys.executable, "-W", "error", "-c", CONNECT] for _process in range(3)]

    started = [subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR) for command in commands]

    assert [process.wait(60) for process in started] == [0, 0, 0]
    assert servers(environment) == []


def test_user_that_was_killed_does_not_keep_the_server_running(environment: dict[str, str]) -> None:
    code = CONNECT + "print('connected', flush=True); import time; time.sleep(60)"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, cwd=settings.BASE_DIR) as killed:
        assert killed.stdout
        killed.stdout.readline()
        killed.send_signal(signal.SIGKILL)
        killed.wait()

    run(CONNECT, environment)

    assert servers(environment) == []


def test_server_that_crashed_is_started_again(environment: dict[str, str]) -> None:
    crash = (
        "import psutil, pathlib, os; from django.conf import settings; "
        "pid = int((settings.CLASSIFR_VAR / 'postgres' / 'postmaster.pid').read_text().split()[0]); "
        "connection.close(); server = psutil.Process(pid); server.kill(); server.wait(10); "
        "connection.ensure_connection(); print('connected again')"
    )

    assert "connected again" in run(CONNECT + crash, environment)
    time.sleep(0.2)
    assert servers(environment) == []


def test_server_that_somebody_else_restarted_ends_with_its_last_user(environment: dict[str, str]) -> None:
    code = CONNECT + "print('connected', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=settings.BASE_DIR,
    ) as first:
        assert first.stdout
        first.stdout.readline()
        for server in servers(environment):
            server.kill()
            server.wait(10)
        run(CONNECT, environment)
        assert len(servers(environment)) == 1
        first.communicate(b"\n")

    assert servers(environment) == []


def test_folder_with_a_space_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="CLASSIFR_VAR"):
        server.start(tmp_path / "my photos" / "postgres", database="classifr")
