"""Walk a folder on a disk."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from engine.exceptions import RefusedFile
from engine.folders.files import FoundFile, LeftOut, unreadable
from engine.folders.system import is_system
from engine.images.refusals import gettext_noop

NO_FILE = gettext_noop("It is no file: a pipe, a socket or a device.")
SEEN_ALREADY = gettext_noop("It is a link to a folder that is read already.")
BROKEN_LINK = gettext_noop("It is a link to something that is not there.")


def walk(folder: Path) -> Iterator[FoundFile | LeftOut]:
    """Yield what is below the folder, in no order. Links are followed, each folder is read once.

    System folders are yielded as they are, not entered: nothing in them is a picture, and `.git` may hold thousands.
    """
    seen = {_identity(folder.stat())}
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            paths = list(here.iterdir())
        except OSError as exc:
            yield LeftOut(_parts(here, folder), unreadable(exc))
            continue
        for path in paths:
            parts = _parts(path, folder)
            try:
                status = path.lstat() if is_system(parts) else path.stat()
            except OSError as exc:
                yield LeftOut(parts, RefusedFile(BROKEN_LINK) if path.is_symlink() else unreadable(exc))
                continue
            if is_system(parts) or stat.S_ISREG(status.st_mode):
                yield FoundFile.at(path, parts=parts, byte_size=status.st_size)
            elif not stat.S_ISDIR(status.st_mode):
                # To open a pipe would wait for somebody who writes to it.
                yield LeftOut(parts, RefusedFile(NO_FILE))
            elif _identity(status) in seen:
                yield LeftOut(parts, RefusedFile(SEEN_ALREADY))
            else:
                seen.add(_identity(status))
                waiting.append(path)


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _parts(path: Path, folder: Path) -> tuple[str, ...]:
    """Return the path below the folder as text, whatever bytes it is made of."""
    return tuple(_text(os.fsencode(part)) for part in path.relative_to(folder).parts)


def _text(name: bytes) -> str:
    """Read a name as UTF-8, else as old disks of Windows have it: two names of other letters must not look the same."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("cp1252", errors="backslashreplace")
