"""Files and folders that a system or a program has put beside one's own."""

import re
from collections.abc import Sequence

_NAMES = frozenset(
    {
        # Windows
        "$recycle.bin", "recycler", "recycled", "system volume information", "thumbs.db", "ehthumbs.db",
        "ehthumbs_vista.db", "desktop.ini", "folder.htt", "iconcache.db", "autorun.inf",
        # macOS, beside all that begins with a dot
        "__macosx", "icon\r", "network trash folder", "temporary items",
        # Linux, and what checks a disk
        "lost+found",
        # Network storage: Synology, QNAP, NetApp, Western Digital
        "@eadir", "@tmp", "@recycle", "@recently-snapshot", "@sharebin", "@sharesnap", "#recycle", "#snapshot",
        "~snapshot",
        # Development
        "__pycache__", "cvs", "node_modules",
    }
)  # fmt: skip
_PATTERNS = re.compile(r"\.(?!\.)|~\$|found\.\d{3}$|.*@syno(eastream|resource)$")
"""Hidden ones, locks of office programs, what chkdsk has found, attributes kept by a Synology."""


def is_system(parts: Sequence[str]) -> bool:
    """Return whether a path below a folder is the system's own, by the name of any of its parts."""
    return system_root(parts) is not None


def system_root(parts: Sequence[str]) -> tuple[str, ...] | None:
    """Return the part of the path that is the outermost system folder or file; None where there is none."""
    for place, part in enumerate(parts):
        name = part.lower()
        if name in _NAMES or _PATTERNS.match(name):
            return tuple(parts[: place + 1])
    return None
