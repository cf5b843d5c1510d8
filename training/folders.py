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

    A picture in no sub-folder has the one of these, or of `tags`, that its own name has before a number: cannoli_1.jpg,
    pizza (1).jpg. A folder called apple_pie goes to the tag "apple pie" if there is that one alone. Below train, valid
    and test the next sub-folder is the tag; as_tags: these are tags like others.
    may_be_wrapped: a single folder around all others is only the wrapping, as it always is around train and test.
    """
    paths = [file.parts for file in files]
    while len({path[0] for path in paths}) == 1 and any(len(path) > 2 for path in paths):
        if any(len(path) == 1 for path in paths):  # in a ZIP a file may be called as a folder is
            break
        inner = [path[1:] for path in paths]
        if not (may_be_wrapped or _splits(inner)):
            break
        paths, may_be_wrapped = inner, False
    splits = () if as_tags else _splits(paths)
    inside = [path[1:] if path[0] in splits else path for path in paths]
    known = {same_name(tag): tag for tag in tags}
    of_folders = {path[0]: _tag_of_folder(path[0].strip(), known) for path in inside if len(path) > 1}
    in_names = {same_name(tag): tag for tag in of_folders.values()} | known
    tagged = [
        TaggedFile(
            file,
            of_folders[below[0]] if len(below) > 1 else _tag_in_name(below[-1], in_names),
            held_out=path[0] in splits and path[0].lower() in _TO_MEASURE,
        )
        for file, path, below in zip(files, paths, inside, strict=True)
    ]
    return TaggedFolder(tuple(tagged), splits)


def _splits(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the outermost folders if all of them are called as a split is, and some have the same sub-folders.

    Those to measure may also hold files alone: their names may tell the tags, as their folder does not.
    """
    below: dict[str, set[str]] = {}
    for path in paths:
        if len(path) > 1:
            below.setdefault(path[0], set()).update(same_name(part) for part in path[1:2] if len(path) > 2)
    names = {name.lower() for name in below}
    if not names <= _TO_LEARN | _TO_MEASURE or not names & _TO_LEARN or not names & _TO_MEASURE:
        return ()
    learned = set().union(*(tags for name, tags in below.items() if name.lower() in _TO_LEARN))
    measured = set().union(*(tags for name, tags in below.items() if name.lower() in _TO_MEASURE))
    return tuple(below) if learned and (learned & measured or not measured) else ()


def with_spaces(folder: str) -> str:
    """Return the name of a folder as people write it: apple pie for apple_pie."""
    return folder.replace("_", " ").strip()


def _tag_of_folder(folder: str, known: dict[str, str]) -> str:
    return folder if same_name(folder) in known else known.get(same_name(with_spaces(folder)), folder)


def _tag_in_name(name: str, known: dict[str, str]) -> str:
    match = _NUMBERED.match(name.rpartition(".")[0] or name)
    folder = match["tag"] if match else ""
    return known.get(same_name(folder)) or known.get(same_name(with_spaces(folder)), "")
