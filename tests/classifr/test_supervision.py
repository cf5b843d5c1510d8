"""What a Procfile names is kept running, and nothing of it is left when its supervisor ends, however that comes."""

import fcntl
import os
import pty
import signal
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import psutil
import pytest
from django.conf import settings

from classifr.supervision import LONGEST_WAIT_S, STEADY_S, Program, is_alive, read_procfile

pytestmark = pytest.mark.slow

CODE = """
import logging, os, sys
from pathlib import Path
from classifr import supervision
logging.basicConfig()
supervision.GRACE_S = 1.0
supervision.supervise([
    supervision.Program(name, command, environment=os.environ, folder=Path.cwd())
    for name, command in supervision.read_procfile(Path(sys.argv[1])).items()
])
"""
WITHIN_S = 20
SLEEPS = "sleep 1000"
STUBBORN = "env --ignore-signal=TERM sleep 1000"
WITH_A_CHILD = "sh -c 'sleep 1000 & wait'"

Start: TypeAlias = Callable[..., psutil.Popen]


@pytest.fixture
def start(hangups: None, tmp_path: Path) -> Iterator[Start]:
    """Start a supervisor of these commands, which log to `log`; it ends with the test, unless it has ended."""
    started: list[psutil.Popen] = []

    def start(*commands: str, **how: Any) -> psutil.Popen:
        procfile = tmp_path / "Procfile"
        procfile.write_text("".join(f"p{number}: {command}\n" for number, command in enumerate(commands)))
        with (tmp_path / "log").open("wb") as log:
            supervisor = psutil.Popen(
                [sys.executable, "-c", CODE, procfile], cwd=settings.BASE_DIR, stdout=log, stderr=log, **how
            )
        started.append(supervisor)
        wait_for(lambda: len(sleeping(supervisor)) == len(commands))
        return supervisor

    yield start
    for supervisor in started:
        if supervisor.poll() is None:
            supervisor.terminate()
            supervisor.wait(WITHIN_S)


def sleeping(supervisor: psutil.Popen) -> list[psutil.Process]:
    """Return the processes below it that are what they were started for."""
    return [child for child in supervisor.children(recursive=True) if is_alive(child) and child.name() == "sleep"]


def wait_for(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_is_killed_is_started_again_and_the_rest_goes_on(start: Start, tmp_path: Path) -> None:
    supervisor = start(SLEEPS, SLEEPS)
    killed, other = sleeping(supervisor)

    killed.kill()
    wait_for(lambda: len(set(sleeping(supervisor)) - {killed}) == 2)

    assert is_alive(other)
    assert "process=p0 reason='SIGKILL'" in (tmp_path / "log").read_text()


def test_what_a_killed_program_has_started_ends_before_the_next_start(start: Start) -> None:
    supervisor = start(WITH_A_CHILD)
    [orphan] = sleeping(supervisor)
    [shell] = supervisor.children()

    shell.kill()
    wait_for(lambda: [child for child in sleeping(supervisor) if child != orphan])

    assert not is_alive(orphan)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_ends_everything(start: Start, number: signal.Signals) -> None:
    supervisor = start(SLEEPS, WITH_A_CHILD)
    processes = supervisor.children(recursive=True)

    supervisor.send_signal(number)

    assert supervisor.wait(WITHIN_S) == 0
    assert not any(is_alive(process) for process in processes)


def test_what_does_not_end_is_killed(start: Start) -> None:
    supervisor = start(STUBBORN)
    [stubborn] = sleeping(supervisor)

    supervisor.terminate()
    supervisor.wait(WITHIN_S)

    assert not is_alive(stubborn)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no process hears that its parent has died")
def test_nothing_outlives_a_supervisor_that_is_killed(start: Start) -> None:
    supervisor = start(SLEEPS, SLEEPS)
    processes = sleeping(supervisor)

    supervisor.kill()

    wait_for(lambda: not any(is_alive(process) for process in processes))


def test_closing_the_terminal_ends_everything(start: Start) -> None:
    terminal, other_end = pty.openpty()

    def take_terminal() -> None:
        fcntl.ioctl(other_end, termios.TIOCSCTTY, 0)

    supervisor = start(SLEEPS, stdin=other_end, start_new_session=True, preexec_fn=take_terminal)
    processes = sleeping(supervisor)

    os.close(other_end)
    os.close(terminal)

    supervisor.wait(WITHIN_S)
    assert not any(is_alive(process) for process in processes)


def test_what_was_started_by_nohup_stays(start: Start) -> None:
    supervisor = start(SLEEPS, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))

    supervisor.send_signal(signal.SIGHUP)
    time.sleep(0.5)

    assert len(sleeping(supervisor)) == 1


def program(command: str) -> Program:
    [(name, arguments)] = {"it": command.split()}.items()
    return Program(name, arguments, environment=os.environ, folder=Path.cwd())


def waits(of: Program, *, lifetimes: list[float]) -> list[float]:
    """Return after how many seconds it is started again each time, when it lives so long."""
    now, found = 0.0, []
    for lifetime in lifetimes:
        of.tend(now)
        if of.process is not None:
            wait_for(lambda: of.process and not is_alive(of.process))
        of.tend(now + lifetime)
        found.append(of.due_at - now - lifetime)
        now = of.due_at
    return found


def test_what_ends_at_once_waits_longer_each_time() -> None:
    assert waits(program("false"), lifetimes=[0] * 7) == [1, 2, 4, 8, 16, LONGEST_WAIT_S, LONGEST_WAIT_S]


def test_what_lived_long_is_started_again_soon() -> None:
    assert waits(program("false"), lifetimes=[0, 0, 0, STEADY_S, 0]) == [1, 2, 4, 1, 2]


def test_end_is_told_with_its_reason_and_the_next_start(caplog: pytest.LogCaptureFixture) -> None:
    waits(program("false"), lifetimes=[0, 0])

    assert "Ended process=it reason='exit code 1' lived_s=0 times_in_a_row=2: started again in 2 s" in caplog.messages


def test_program_that_is_not_there_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    assert waits(program("no-such-program"), lifetimes=[0, 0]) == [1, 2]
    assert "reason='No such file or directory'" in caplog.text


def test_no_shell_stands_between() -> None:
    commands = read_procfile(settings.BASE_DIR / "Procfile")

    assert commands["worker"] == ["python", "manage.py", "worker"]
    assert commands["web"][0] == "env"
    assert "python" in commands["web"]


def test_procfile_may_have_comments(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("# what runs\n\nit: echo 'a b'\n")

    assert read_procfile(tmp_path / "Procfile") == {"it": ["echo", "a b"]}
