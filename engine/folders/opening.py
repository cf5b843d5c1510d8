"""Open a folder, be it one on the disk or in a ZIP."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from engine.exceptions import RefusedFile
from engine.folders import archives, disk
from engine.folders.files import FoundFile, LeftOut, unreadable
from engine.images.refusals import gettext_noop

NO_FOLDER = gettext_noop("{path} is no folder, and no ZIP of folders.")


class OpenFolder(NamedTuple):
    """What is found in a folder, to be read while it is open."""

    found: Iterator[FoundFile | LeftOut]
    is_zip: bool


@contextmanager
def open_folder(path: Path) -> Iterator[OpenFolder]:
    """Open a folder, or a ZIP by its first bytes; raise RefusedFile for anything else."""
    if path.is_dir():
        yield OpenFolder(disk.walk(path), is_zip=False)
        return
    if not path.is_file():
        raise RefusedFile(NO_FOLDER, path=path)
    try:
        file = path.open("rb")
    except OSError as exc:
        raise unreadable(exc) from exc
    with file:
        if not archives.is_zip(file.read(4)):
            raise RefusedFile(NO_FOLDER, path=path)
        yield OpenFolder(archives.walk(file), is_zip=True)
