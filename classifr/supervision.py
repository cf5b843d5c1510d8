"""Keep the programs of a Procfile running: start again what ends, and leave nothing behind.

Each program leads a process group of its own, so that what it has started is known as well. On Linux a program also
hears of the death of this process, however sudden that is.
"""

import ctypes
import logging
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil

logger = logging.getLogger(__name__)

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, what a service manager sends, and the terminal that is closed."""
LOOK_EVERY_S = 0.2
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0
STEADY_S = 60.0
"""A program that lived so long is well: its next end is the first again."""
GRACE_S = 10.0
_PR_SET_PDEATHSIG = 1


class Program:
    """A command of the Procfile, the process that runs it, and when it is started again once that has ended."""

    def __init__(self, name: str, command: Sequence[str], *, environment: Mapping[str, str], folder: Path) -> None:
        self.name, self.command = name, command
        self.environment, self.folder = environment, folder
        self.process: psutil.Popen | None = None
        self.orphans: list[psutil.Process] = []
        """What the last process of this program has left behind; it has until the next start to end."""
        self.short_lives = 0
        self.started_at = self.due_at = 0.0

    def tend(self, now: float) -> None:
        """Notice that the process has ended, and start another when that is due."""
        if self.process is not None and not is_alive(self.process):
            self._note_end(self.process, now)
        if self.process is None and now >= self.due_at:
            self._start(now)

    def members(self) -> list[psutil.Process]:
        """Return the processes that are there because of this program."""
        return self.orphans if self.process is None else [self.process, *_others(self.process.pid)]

    def _start(self, now: float) -> None:
        for orphan in self.orphans:
            _send(orphan, signal.SIGKILL)
        self.orphans, self.started_at = [], now
        try:
            self.process = psutil.Popen(
                self.command,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                process_group=0,
                preexec_fn=partial(_end_with, os.getpid()),
            )
        except OSError as exc:
            self._put_off(exc.strerror or str(exc), now)

    def _note_end(self, process: psutil.Popen, now: float) -> None:
        # Until it is waited for, its number cannot be another group's.
        self.orphans = _others(process.pid)
        for orphan in self.orphans:
            _send(orphan, signal.SIGTERM)
        self.process = None
        self._put_off(_reason(process.wait()), now)

    def _put_off(self, reason: str, now: float) -> None:
        """Set when it is started again: twice as late each time, unless it ran well."""
        lived_s = now - self.started_at
        self.short_lives = 1 if lived_s >= STEADY_S else self.short_lives + 1
        wait_s = min(FIRST_WAIT_S * 2 ** min(self.short_lives - 1, 10), LONGEST_WAIT_S)
        self.due_at = now + wait_s
        logger.warning(
            "Ended process=%s reason=%r lived_s=%.0f times_in_a_row=%s: started again in %.0f s",
            self.name,
            reason,
            lived_s,
            self.short_lives,
            wait_s,
        )


def read_procfile(path: Path) -> dict[str, list[str]]:
    """Return the commands by their names, in order."""
    lines = (line for line in path.read_text().splitlines() if line.strip() and not line.startswith("#"))
    return {name.strip(): shlex.split(command) for name, _, command in (line.partition(":") for line in lines)}


def supervise(programs: Sequence[Program]) -> None:
    """Keep the programs running until this process is asked to end; return when they and theirs have ended.

    Only the main thread can call it. The signals stay handled: who asks twice does not cut the end short.
    """
    asked: list[int] = []
    for number in ENDING:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, lambda number, _: asked.append(number))
    try:
        while not asked:
            for program in programs:
                program.tend(time.monotonic())
            time.sleep(LOOK_EVERY_S)
    finally:
        _end(member for program in programs for member in program.members())


def _end(processes: Iterable[psutil.Process]) -> None:
    """Ask the processes to end, and kill those that have not after a while."""
    asked = list(processes)
    for process in asked:
        _send(process, signal.SIGTERM)
    stubborn = _outlasting(asked, GRACE_S)
    for process in stubborn:
        logger.warning("Killed process=%s: it did not end in %.0f s", process.pid, GRACE_S)
        _send(process, signal.SIGKILL)
    _outlasting(stubborn, GRACE_S)


def _outlasting(processes: Iterable[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Return the processes that are still alive after so long; wait no longer than there are any."""
    deadline = time.monotonic() + seconds
    while (alive := [process for process in processes if is_alive(process)]) and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_S / 4)
    return alive


def is_alive(process: psutil.Process) -> bool:
    """Say whether it has not ended; one that nobody waits for, as in a container without an init, has."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _send(process: psutil.Process, number: signal.Signals) -> None:
    """Send the signal unless the process has ended; another one that has its number by now gets none."""
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def _others(leader: int) -> list[psutil.Process]:
    """Return the processes of the leader's group beside it."""
    return [process for process in psutil.process_iter() if process.pid != leader == _group_of(process)]


def _group_of(process: psutil.Process) -> int | None:
    try:
        return os.getpgid(process.pid)
    except ProcessLookupError:
        return None


def _reason(status: int | None) -> str:
    if status is not None and status < 0:
        return signal.Signals(-status).name
    return f"exit code {status}"


def _end_with(parent: int) -> None:
    """Let this process, which a parent has just forked, be asked to end when that parent has died."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)
