"""JPEG files whose ends differ, and whether they are whole: judged alike by the server, the container and the page."""

from typing import NamedTuple

from tests.crafted import picture, saved

END = b"\xff\xd9"
_TRAILER = b"SEFH\x66\x00\x00\x00image_utc_data1700000000000" * 40 + b"\xff\x03\xff\x77SEFT"


class Ended(NamedTuple):
    """A file, and what is to be said of it."""

    content: bytes
    is_whole: bool
    is_coarse: bool = False
    """Cut where every row is told already, so that browsers draw it as if it were whole."""


def _half(content: bytes) -> bytes:
    start = content.index(b"\xff\xda")
    return content[: (start + len(content)) // 2]


_KINDS = {
    "baseline": saved(picture((320, 240))),
    "restarts": saved(picture((320, 240)), restart_marker_rows=1),
    "grey": saved(picture((320, 240), "L")),
    "CMYK": saved(picture((320, 240), "CMYK")),
}
_PROGRESSIVE = saved(picture((320, 240)), progressive=True)

FILES = {
    f"{kind}, {name}": ended
    for kind, content in _KINDS.items()
    for name, ended in {
        "as it is": Ended(content, is_whole=True),
        "no end": Ended(content.removesuffix(END), is_whole=True),
        "last byte missing": Ended(content[:-1], is_whole=True),
        "no end, zeros": Ended(content.removesuffix(END) + bytes(3000), is_whole=True),
        "no end, trailer": Ended(content.removesuffix(END) + _TRAILER, is_whole=True),
        "end, trailer": Ended(content + _TRAILER, is_whole=True),
        "second picture cut": Ended(content + _half(content), is_whole=True),
        "cut": Ended(_half(content), is_whole=False),
        "cut, zeros": Ended(_half(content) + bytes(500), is_whole=False),
    }.items()
} | {
    "progressive, as it is": Ended(_PROGRESSIVE, is_whole=True),
    "progressive, no end": Ended(_PROGRESSIVE.removesuffix(END), is_whole=True),
    "progressive, zeros": Ended(_PROGRESSIVE.removesuffix(END) + bytes(3000), is_whole=True),
    "progressive, cut": Ended(_half(_PROGRESSIVE), is_whole=False, is_coarse=True),
    "cut and closed": Ended(_half(_KINDS["baseline"]) + END, is_whole=False, is_coarse=True),
}
