"""What is found in a folder, wherever the folder is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from engine.exceptions import Refusal, RefusedFile
from engine.images.refusals import gettext_noop

UNREADABLE = gettext_noop("The file cannot be read: {reason}.")


@dataclass(frozen=True)
class FoundFile:
    """A file that nobody has looked into yet."""

    parts: tuple[str, ...]
    """Its path below the folder, the file's own name last."""
    byte_size: int
    """As the folder tells it."""
    open: Callable[[], BinaryIO] = field(repr=False, compare=False)

    @classmethod
    def at(cls, path: Path, *, parts: tuple[str, ...], byte_size: int) -> FoundFile:
        """Return a file on the disk."""

        def open_it() -> BinaryIO:
            return path.open("rb")

        return cls(parts, byte_size, open_it)

    @property
    def name(self) -> str:
        """The path as people read it."""
        return "/".join(self.parts)

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.parts[-1]).suffix.lower()

    def read(self, most: int) -> bytes:
        """Return the first bytes, no more than that many; raise RefusedFile."""
        try:
            with self.open() as file:
                return file.read(most)
        except OSError as exc:
            raise unreadable(exc) from exc


@dataclass(frozen=True)
class LeftOut:
    """What is not taken of a folder."""

    parts: tuple[str, ...]
    reason: Refusal
    is_photo: bool = False
    """Whether somebody will miss it: it is a picture by its bytes, or its name says that it is one."""

    @property
    def name(self) -> str:
        return "/".join(self.parts)


def unreadable(exc: OSError) -> RefusedFile:
    return RefusedFile(UNREADABLE, reason=exc.strerror or str(exc) or type(exc).__name__)
