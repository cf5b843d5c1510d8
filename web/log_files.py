"""A log file that several processes write, and that does not grow for ever."""

import fcntl
import os
from logging import LogRecord
from logging.handlers import WatchedFileHandler
from pathlib import Path

MAX_BYTES = 10 * 1024 * 1024
KEPT = 4
"""Full files beside the one that is written: `.1` is the newest."""


class SharedFile(WatchedFileHandler):
    """Appends to a file; the process that fills it moves it aside, and the others notice before their next line."""

    def __init__(self, filename: Path, *, max_bytes: int = MAX_BYTES) -> None:
        filename.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        super().__init__(filename, encoding="utf-8", delay=True)
        self._path = filename
        self._max_bytes = max_bytes

    def emit(self, record: LogRecord) -> None:
        super().emit(record)
        if self.stream and os.fstat(self.stream.fileno()).st_size >= self._max_bytes:
            self._move_aside()

    def _move_aside(self) -> None:
        with self._path.with_name(f"{self._path.name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self._path.exists() and self._path.stat().st_size < self._max_bytes:
                return  # another process was faster
            for number in range(KEPT, 0, -1):
                older = self._path.with_name(f"{self._path.name}.{number}")
                newer = self._path.with_name(f"{self._path.name}.{number - 1}") if number > 1 else self._path
                if newer.exists():
                    newer.replace(older)
