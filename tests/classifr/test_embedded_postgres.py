"""The embedded server starts by itself, is shared, goes with its last user, and is nobody else's."""

import dataclasses
import logging
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest
from django.conf import settings
from django.core.management import call_command

from classifr.embedded_postgres import account, programs, server
from classifr.embedded_postgres.exceptions import NotServing, StillStarting
from classifr.embedded_postgres.postmaster import NO_PROCESS, read_postmaster

pytestmark = pytest.mark.slow

CONNECT = "import django; django.setup(); from django.db import connection; connection.ensure_connection(); "
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
STRANGER = "nobody"


@pytest.fixture
def var(tmp_path: Path) -> Path:
    return tmp_path / "var"


@pytest.fixture
def environment(var: Path) -> dict[str, str]:
    """A folder of its own, and the embedded server whatever server the other tests use."""
    return {**os.environ, "DATABASE_URL": "", "CLASSIFR_VAR": str(var), "DJANGO_SETTINGS_MODULE": "classifr.settings"}


def run(code: str, environment: dict[str, str]) -> str:
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=settings.BASE_DIR)
    assert done.returncode == 0, done.stderr
    return done.stdout


def servers(var: Path) -> list[psutil.Process]:
    """The PostgreSQL servers that run on that folder."""
    commands = {process: process.info["cmdline"] or [""] for process in psutil.process_iter(["cmdline"])}
    return [each for each, command in commands.items() if f"{var}/postgres" in command and "postgres" in command[0]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that a server has served, and that nobody uses."""
    mine = server.Server(tmp_path_factory.mktemp("made") / "postgres")
    mine.start()
    mine.stop_if_unused()
    return mine.data


@pytest.fixture
def started(made: Path, var: Path) -> Iterator[server.Server]:
    """A server of this process; it is gone afterwards, whatever a test did to it."""
    var.mkdir()
    subprocess.run(["cp", "--archive", made, var / "postgres"], check=True)
    mine = server.Server(var / "postgres")
    mine.start()
    yield mine
    mine.stop_if_unused()
    for left in servers(var):
        left.kill()


def query(folder: Path, text: str) -> Any:
    connection = psycopg2.connect(host=str(folder), user="postgres", dbname="postgres")
    try:
        cursor = connection.cursor()
        cursor.execute(text)
        return cursor.fetchall()
    finally:
        connection.close()


def kill(var: Path) -> None:
    for each in servers(var):
        each.kill()
        each.wait(10)


# Sharing


def test_server_has_pgvector_and_ends_with_its_last_user(environment: dict[str, str], var: Path) -> None:
    asked = "cursor = connection.cursor(); cursor.execute('SELECT name FROM pg_available_extensions'); "

    names = run(CONNECT + asked + "print(cursor.fetchall())", environment)

    assert "'vector'" in names
    assert servers(var) == []


def test_processes_that_start_it_at_once_share_it(environment: dict[str, str], var: Path) -> None:
    commands = [[sys.executable, "-W", "error", "-c", CONNECT] for _process in range(3)]

    started = [subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR) for command in commands]

    assert [process.wait(60) for process in started] == [0, 0, 0]
    assert servers(var) == []


def test_user_that_was_killed_does_not_keep_the_server_running(environment: dict[str, str], var: Path) -> None:
    leave_running(environment)

    run(CONNECT, environment)

    assert servers(var) == []


def test_who_never_used_it_stops_what_a_killed_user_left(environment: dict[str, str], var: Path) -> None:
    """As gunicorn's first process does, whose others may be killed for being too slow to end."""
    leave_running(environment)

    run("from classifr import gunicorn; gunicorn.on_exit(None)", environment)

    assert servers(var) == []


def leave_running(environment: dict[str, str]) -> None:
    """Start the server by a process that is killed."""
    code = CONNECT + "print('connected', flush=True); import time; time.sleep(60)"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, cwd=settings.BASE_DIR) as killed:
        assert killed.stdout
        killed.stdout.readline()
        killed.send_signal(signal.SIGKILL)
        killed.wait()


def test_server_that_crashed_is_started_again(started: server.Server, var: Path) -> None:
    kill(var)

    assert query(started.start(), "SELECT 1") == [(1,)]
    started.stop_if_unused()
    assert servers(var) == []


def test_user_that_is_left_keeps_it(started: server.Server, environment: dict[str, str], var: Path) -> None:
    run(CONNECT, environment)

    assert len(servers(var)) == 1
    started.stop_if_unused()
    assert servers(var) == []


def test_process_that_only_forked_has_no_say(started: server.Server, var: Path) -> None:
    if (child := os.fork()) == 0:
        started.stop_if_unused()
        os._exit(0)
    os.waitpid(child, 0)

    assert query(started.start(), "SELECT 1") == [(1,)]


# What a crash leaves


@pytest.fixture
def innocent() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        yield process
        process.kill()


def test_number_that_is_another_process_by_now_stops_nobody(
    started: server.Server, innocent: subprocess.Popen[bytes], var: Path
) -> None:
    kill(var)
    data = var / "postgres"
    for note in (data / "postmaster.pid", data / ".s.PGSQL.5432.lock"):
        _, *rest = note.read_text().splitlines()
        note.write_text("\n".join([str(innocent.pid), *rest]) + "\n")

    assert query(started.start(), "SELECT 1") == [(1,)]
    started.stop_if_unused()
    assert innocent.poll() is None


def test_zombie_is_no_server(started: server.Server, var: Path) -> None:
    kill(var)
    with subprocess.Popen(["true"]) as zombie:
        while psutil.Process(zombie.pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        note = var / "postgres" / "postmaster.pid"
        _, *rest = note.read_text().splitlines()
        note.write_text("\n".join([str(zombie.pid), *rest]) + "\n")

        assert query(started.start(), "SELECT 1") == [(1,)]


@pytest.mark.parametrize("content", ["", "nonsense\n", "1\n", f"{NO_PROCESS}\n/elsewhere\n"])
def test_note_that_is_half_written_is_no_server(started: server.Server, var: Path, content: str) -> None:
    kill(var)
    (var / "postgres" / "postmaster.pid").write_text(content)

    assert query(started.start(), "SELECT 1") == [(1,)]


def test_folder_that_was_left_half_made_is_not_taken_for_whole(var: Path) -> None:
    left = var / ".postgres-half"
    left.mkdir(parents=True)
    (left / "PG_VERSION").write_text("18\n")
    mine = server.Server(var / "postgres")

    assert query(mine.start(), "SELECT 1") == [(1,)]
    mine.stop_if_unused()
    assert not left.exists()


def test_recovery_is_waited_for_and_the_log_says_how_long(
    started: server.Server, var: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The server is alive and does not answer: it is stopped in the middle, as a disk that hangs does it."""
    monkeypatch.setattr(server, "SAID_EVERY_S", 0.2)
    postmaster = read_postmaster(var / "postgres")
    assert postmaster
    held = psutil.Process(postmaster.pid)
    held.suspend()
    other = server.Server(var / "postgres")

    with caplog.at_level(logging.WARNING), pytest.raises(StillStarting):
        other.start(patience_s=4)
    held.resume()

    assert query(other.start(), "SELECT 1") == [(1,)]
    assert "PostgreSQL takes no connections yet: " in caplog.text
    other.stop_if_unused()


def test_server_that_does_not_start_says_why(started: server.Server, var: Path) -> None:
    kill(var)
    (var / "postgres" / "postgresql.auto.conf").write_text("nonsense = here\n")

    with pytest.raises(NotServing, match='unrecognized configuration parameter "nonsense"'):
        started.start()


def test_folder_of_another_version_is_left_alone(started: server.Server, var: Path) -> None:
    kill(var)
    (var / "postgres" / "PG_VERSION").write_text("16\n")

    with pytest.raises(NotServing, match="is of PostgreSQL 16, and this Classifr brings 18"):
        started.start()


def test_folder_of_something_else_is_left_alone(var: Path) -> None:
    (var / "postgres").mkdir(parents=True)
    (var / "postgres" / "letter.txt").write_text("Dear")

    with pytest.raises(NotServing, match="holds something, and no database"):
        server.Server(var / "postgres").start()

    assert (var / "postgres" / "letter.txt").read_text() == "Dear"


# Whose it is


@pytest.mark.parametrize("name", ["my photos", "it's", "a" * 100])
def test_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    mine = server.Server(tmp_path / name / "postgres")

    folder = mine.start()

    assert query(folder, "SELECT 1") == [(1,)]
    assert folder.stat().st_mode & 0o777 == 0o700
    mine.stop_if_unused()
    assert folder == mine.data or not folder.exists()


@pytest.mark.parametrize("name", ['two "words"', "$(reboot)", "back\\slash"])
def test_name_that_pg_ctl_would_give_to_a_shell_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotServing, match="CLASSIFR_VAR"):
        server.Server(tmp_path / name / "postgres").start()


def test_only_its_users_may_connect(started: server.Server, var: Path) -> None:
    data = var / "postgres"
    us = pwd.getpwuid(os.geteuid()).pw_name
    owner = pwd.getpwuid(data.stat().st_uid).pw_name

    assert (data / "pg_hba.conf").read_text() == "local all all peer map=classifr\n"
    assert set((data / "pg_ident.conf").read_text().splitlines()) == {
        f'classifr "{each}" postgres' for each in (us, owner)
    }
    assert query(data, "SHOW listen_addresses") == [("",)]


@AS_ROOT
def test_nobody_else_reaches_it(started: server.Server, var: Path, tmp_path: Path) -> None:
    entry = pwd.getpwnam(STRANGER)
    stranger = account.Account(STRANGER, entry.pw_uid, entry.pw_gid, programs.installed(), programs.installed())
    if closed := stranger.first_closed(stranger.programs):
        stranger = dataclasses.replace(stranger, closed=(closed,))
    asked = ("-h", str(var / "postgres"), "-U", "postgres", "-c", "SELECT 1")
    command, mine = stranger.command(str(programs.programs() / "psql"), *asked)
    opened = [folder for folder in [var / "postgres", *(var / "postgres").parents] if folder.stat().st_mode & 1 == 0]
    refused = subprocess.run(command, capture_output=True, text=True, **mine)
    modes = {folder: folder.stat().st_mode for folder in opened}
    for folder in opened:
        folder.chmod(0o755)
    try:
        known = subprocess.run(command, capture_output=True, text=True, **mine)
    finally:
        for folder, mode in modes.items():
            folder.chmod(mode)

    assert refused.returncode != 0
    assert known.returncode != 0
    assert "ermission denied" in known.stderr or "Peer authentication failed" in known.stderr


@AS_ROOT
def test_root_runs_it_as_a_user_without_rights_and_changes_no_mode(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    mine = server.Server(closed / "var" / "postgres")

    assert query(mine.start(), "SELECT 1") == [(1,)]

    [process] = servers(closed / "var")
    entry = pwd.getpwuid(process.uids().real)
    assert (entry.pw_name, entry.pw_shell) == (account.NAME, "/usr/sbin/nologin")
    assert [folder.stat().st_mode & 0o777 for folder in (closed, tmp_path)] == [0o700, 0o700]
    mine.stop_if_unused()


@AS_ROOT
def test_root_is_told_which_folder_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel allows no passage: a container without the right to mount."""
    monkeypatch.setattr(account, "PASSAGE", "echo unshare failed: Operation not permitted >&2; exit 1")
    tmp_path.chmod(0o700)

    with pytest.raises(NotServing, match=r"who may not pass through /.*CLASSIFR_VAR"):
        server.Server(tmp_path / "var" / "postgres").start()


@AS_ROOT
def test_two_accounts_run_one_each(started: server.Server, tmp_path: Path) -> None:
    entry = pwd.getpwnam(STRANGER)
    theirs = Path(tempfile.mkdtemp(prefix="theirs-"))
    os.chown(theirs, entry.pw_uid, entry.pw_gid)
    stranger = account.Account(STRANGER, entry.pw_uid, entry.pw_gid, theirs, Path(sys.base_prefix))
    if stranger.first_closed(Path(settings.BASE_DIR)):
        pytest.skip("no other account reaches this checkout")
    if closed := stranger.first_closed(stranger.programs):  # the Python that runs this test
        stranger = dataclasses.replace(stranger, closed=(closed,))
    code = (
        "from pathlib import Path; from classifr.embedded_postgres import server; "
        f"mine = server.Server(Path({str(theirs)!r}, 'postgres')); print(mine.start()); mine.stop_if_unused()"
    )

    command, options = stranger.command(sys.executable, "-c", code)
    done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, **options)
    shutil.rmtree(theirs)

    assert (done.stdout.strip(), done.stderr) == (str(theirs / "postgres"), "")


# What it writes down


def test_no_statement_is_in_its_log(started: server.Server, var: Path) -> None:
    with pytest.raises(psycopg2.Error):
        query(var / "postgres", "SELECT 1 / 0 AS the_bytes_of_a_photo")

    while "division by zero" not in (log := read_log(var)):
        time.sleep(0.05)
    assert "the_bytes_of_a_photo" not in log


def read_log(var: Path) -> str:
    return "".join(each.read_text() for each in (var / "postgres" / "logs").iterdir())


def test_a_start_logs_no_error(environment: dict[str, str], var: Path) -> None:
    for _ in range(2):
        run(CONNECT, environment)

    log = read_log(var)
    assert "ERROR" not in log
    assert "ready to accept connections" in log


def test_log_of_an_earlier_release_goes(started: server.Server, var: Path) -> None:
    kill(var)
    (var / "postgres" / "log").write_text("STATEMENT: INSERT … \\xffd8")

    started.start()

    assert not (var / "postgres" / "log").exists()


def test_check_says_its_age(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    said = subprocess.run([programs.programs() / "postgres", "-V"], capture_output=True, text=True).stdout

    call_command("check")

    assert said.split()[-1] == programs.VERSION
    assert f"Embedded PostgreSQL {programs.VERSION} of {programs.RELEASED}, " in capsys.readouterr().out
