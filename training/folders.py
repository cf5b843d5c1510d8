"""What the places of pictures in a folder say of them: which tag each has, and which only measure."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.folders import FoundFile
from training.names import same_name

_NUMBERED = re.compile(r"(?P<tag>.+?)(_\d+| ?\(\d+\))$")
"""The brief's two ways of naming: cannoli_1.jpg and pizza (1).jpg."""
_TO_LEARN = frozenset({"train", "training"})
_TO_MEASURE = frozenset({"test", "testing", "val", "valid", "validation"})


@dataclass(frozen=True)
class TaggedFile:
    """A picture and the name of the tag that its place or its own name gives it."""

    file: FoundFile
    tag: str
    """Empty: none could be found."""
    held_out: bool = False
    """Whether it lies in a folder of pictures to measure on."""


@dataclass(frozen=True)
class TaggedFolder:
    """A folder whose pictures have their tags."""

    files: tuple[TaggedFile, ...]
    splits: tuple[str, ...] = ()
    """Names of the folders that are no tags but say what their sub-folders' pictures are for."""

    def counts(self) -> Counter[str]:
        """Count the pictures by tag, in the order of the files; names that look alike are one, as first written."""
        written: dict[str, str] = {}
        return Counter(written.setdefault(same_name(each.tag), each.tag) for each in self.files)


def tag_files(
    files: Sequence[FoundFile], *, tags: Iterable[str] = (), as_tags: bool = False, may_be_wrapped: bool = False
) -> TaggedFolder:
    """Give each picture the tag of the sub-folder that it is in, whatever lies deeper.

    A picture in no sub-folder has the one of `tags` that its own name has before a number: cannoli_1.jpg,
    pizza (1).jpg. A folder called apple_pie goes to the tag "apple pie" if there is that one alone. Below train, valid
    and test the next sub-folder is the tag; as_tags: these are tags like others.
    may_be_wrapped: a single folder around all others is only the wrapping.
    """
    paths = [file.parts for file in files]
    if may_be_wrapped and len({path[0] for path in paths}) == 1 and any(len(path) > 2 for path in paths):
        paths = [path[1:] for path in paths]
    splits = () if as_tags else _splits(paths)
    known = {same_name(tag): tag for tag in tags}
    tagged = []
    for file, path in zip(files, paths, strict=True):
        is_split = path[0] in splits
        below = path[1:] if is_split else path
        tag = _tag_of_folder(below[0].strip(), known) if len(below) > 1 else _tag_in_name(below[-1], known)
        tagged.append(TaggedFile(file, tag, held_out=is_split and path[0].lower() in _TO_MEASURE))
    return TaggedFolder(tuple(tagged), splits)


def _splits(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the outermost folders if all of them are called as a split is, and some have the same sub-folders."""
    below: dict[str, set[str]] = {}
    for path in paths:
        if len(path) > 1:
            below.setdefault(path[0], set()).update(same_name(part) for part in path[1:2] if len(path) > 2)
    names = {name.lower() for name in below}
    if not names <= _TO_LEARN | _TO_MEASURE or not names & _TO_LEARN or not names & _TO_MEASURE:
        return ()
    learned = set().union(*(tags for name, tags in below.items() if name.lower() in _TO_LEARN))
    measured = set().union(*(tags for name, tags in below.items() if name.lower() in _TO_MEASURE))
    return tuple(below) if learned & measured else ()


def with_spaces(folder: str) -> str:
    """Return the name of a folder as people write it: apple pie for apple_pie."""
    return folder.replace("_", " ").strip()


def _tag_of_folder(folder: str, known: dict[str, str]) -> str:
    return folder if same_name(folder) in known else known.get(same_name(with_spaces(folder)), folder)


def _tag_in_name(name: str, known: dict[str, str]) -> str:
    match = _NUMBERED.match(name.rpartition(".")[0] or name)
    folder = match["tag"] if match else ""
    return known.get(same_name(folder)) or known.get(same_name(with_spaces(folder)), "")
