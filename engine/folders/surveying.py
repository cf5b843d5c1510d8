"""Judge what is found in a folder: the one rule of what is a picture there."""

from collections.abc import Iterable
from dataclasses import dataclass

from engine import images
from engine.exceptions import Refusal, RefusalReason, RefusedPicture
from engine.folders.files import FoundFile, LeftOut
from engine.folders.system import system_root
from engine.images import Limits

HEAD_BYTES = 4096
"""By which a file is judged."""


@dataclass(frozen=True)
class Survey:
    """A folder, looked through."""

    pictures: tuple[FoundFile, ...]
    """By their first bytes, whatever they are called; in the order of their paths."""
    left_out: tuple[LeftOut, ...]
    """What is neither a picture that is accepted nor the system's own."""
    system_count: int
    """Files and folders of the system: nobody is told their names."""


def survey(found: Iterable[FoundFile | LeftOut], *, limits: Limits) -> Survey:
    """Look at the first bytes of each file."""
    pictures: list[FoundFile] = []
    left_out: list[LeftOut] = []
    system_roots = set()
    for file in sorted(found, key=lambda each: each.parts):
        if root := system_root(file.parts):
            system_roots.add(root)
        elif isinstance(file, LeftOut):
            left_out.append(file)
        elif reason := _reason_against(file, limits):
            left_out.append(LeftOut(file.parts, reason, is_photo=_is_photo(file, reason)))
        else:
            pictures.append(file)
    return Survey(tuple(pictures), tuple(left_out), len(system_roots))


def _reason_against(file: FoundFile, limits: Limits) -> Refusal | None:
    try:
        images.check_format(file.read(HEAD_BYTES), limits=limits)
        images.check_byte_size(file.byte_size, limits=limits)
    except Refusal as exc:
        return exc
    return None


def _is_photo(file: FoundFile, reason: Refusal) -> bool:
    by_bytes = {RefusalReason.WRONG_FORMAT, RefusalReason.TOO_MANY_BYTES}
    return file.suffix in images.SUFFIXES or (isinstance(reason, RefusedPicture) and reason.reason in by_bytes)
