"""The process that serves a data folder, as PostgreSQL itself notes it."""

import os
from dataclasses import dataclass
from pathlib import Path

import psutil

NO_PROCESS = 2**22 + 1
"""A number that Linux gives to no process, and other systems neither."""


@dataclass(frozen=True)
class Postmaster:
    """What `postmaster.pid` says; the file may be older than the last power cut."""

    pid: int
    socket_folder: Path | None

    def is_alive(self, data: Path) -> bool:
        """Say whether that process is the server of that folder: numbers are given again, and zombies keep theirs."""
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE or process.uids().real != data.stat().st_uid:
                return False
            command = process.cmdline()
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied:  # somebody else's
            return False
        return len(command) > 2 and Path(command[0]).name == "postgres" and command[1:3] == ["-D", str(data)]


def read_postmaster(data: Path) -> Postmaster | None:
    """Return what is noted; None where nothing is, or only the beginning was written."""
    try:
        lines = _file(data).read_text().splitlines()
        return Postmaster(int(lines[0]), Path(lines[4]) if lines[4:] and lines[4] else None)
    except (FileNotFoundError, ValueError, IndexError):
        return None


def disown(data: Path) -> None:
    """Let PostgreSQL see that the process in its note is dead, where the number has become another's.

    The rest of the note stays: by the shared memory that it names, PostgreSQL sees whether children of the dead one
    still write.
    """
    try:
        _, *rest = _file(data).read_text().splitlines()
    except (FileNotFoundError, ValueError):
        _file(data).unlink(missing_ok=True)  # nothing can be read from it, PostgreSQL would refuse it too
        return
    beside = data / "postmaster.pid.new"
    beside.write_text("\n".join([str(NO_PROCESS), *rest]) + "\n")
    facts = _file(data).stat()
    if os.geteuid() == 0:
        os.chown(beside, facts.st_uid, facts.st_gid)
    beside.chmod(0o600)
    beside.replace(_file(data))


def _file(data: Path) -> Path:
    return data / "postmaster.pid"
