"""Requests that ask for as much work as they can: the longest lists and texts, the deepest nesting."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.test import Client

from tests.limits import body_limit_of

MOST_GROWN = 300_000_000
"""Bytes that a process may take above its start."""
LONGEST_QUERY = 60_000
"""Characters, as the proxy lets them through."""
_VERSIONS = {"training": "v3.4-preview", "prediction": "v3.1"}
_BOUNDARY = "x"


@dataclass(frozen=True)
class Operation:
    """One that a program may call."""

    method: str
    path: str
    """Of the project that is told, and of nothing else that exists."""
    header: str
    """Of the key."""
    body_type: str
    """"" where it reads none."""
    lists: tuple[str, ...]
    """Names of its body's fields that hold lists."""
    texts: tuple[str, ...]
    listed: tuple[str, ...]
    """Names of parameters that hold lists."""


@dataclass(frozen=True)
class Greedy:
    """A request to an operation."""

    name: str
    content: bytes
    content_type: str


def operations(project: UUID) -> Iterator[Operation]:
    """Yield every operation of the API, as its own description has them."""
    for half, version in _VERSIONS.items():
        document = Client().get(f"/customvision/{half}/openapi.json").json()
        for path, by_method in document["paths"].items():
            named = path.replace("{projectId}", str(project)).replace("{publishedName}", "live")
            while "{" in named:
                named = named[: named.index("{")] + str(UUID(int=4)) + named[named.index("}") + 1 :]
            for method, operation in by_method.items():
                content = operation.get("requestBody", {}).get("content", {})
                reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
                model = document["components"]["schemas"].get(reference.rpartition("/")[2], {})
                yield Operation(
                    method,
                    f"/customvision/{version}/{half}{named}".lower(),
                    f"{half.title()}-Key",
                    next(iter(content), ""),
                    tuple(_of_type(model.get("properties", {}), "array")),
                    tuple(_of_type(model.get("properties", {}), "string")),
                    tuple(each["name"] for each in operation["parameters"] if has_type(each["schema"], "array")),
                )


def has_type(schema: dict[str, Any], name: str) -> bool:
    return any(part.get("type") == name for part in (schema, *schema.get("anyOf", ())))


def _of_type(properties: dict[str, Any], name: str) -> Iterator[str]:
    return (key for key, schema in properties.items() if has_type(schema, name))


def bodies(operation: Operation, *, most: int) -> Iterator[Greedy]:
    """Yield the greediest bodies that an operation's limit allows, or of so many bytes if that is less."""
    size = min(most, body_limit_of(operation.path))
    if operation.body_type == "multipart/form-data":
        head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n'.encode()
        end = f"\r\n--{_BOUNDARY}--\r\n".encode()
        form = f"multipart/form-data; boundary={_BOUNDARY}"
        yield Greedy("parts", filled(head, b"\r\n" + head, end, size), form)
        yield Greedy("part", filled(head, b"a", end, size), form)
        yield Greedy("picture", bytes(size), "application/octet-stream")
    else:
        for name, (start, item, end) in _json(operation).items():
            yield Greedy(name, filled(start, item, end, size), "application/json")


def _json(operation: Operation) -> dict[str, tuple[bytes, bytes, bytes]]:
    """Return how each body begins, what is repeated in it, and how it ends."""
    texts, lists = operation.texts or ("x",), operation.lists or ("x",)
    of_lists = {
        f"{each}: {items}": (f'{{"{each}":['.encode(), items.encode() + b",", items.encode() + b"]}")
        for each in lists
        for items in ("1", "[]", "{}", '""')
    }
    of_texts = {
        f"{each}: {text}": (f'{{"{each}":"'.encode(), text.encode(), b'"}')
        for each in texts
        for text in ("a", "!", "\\n", "\\u002B")
    }
    entries = {
        f"{each} {text}": (f'{{"{each}":[{{"contents":"'.encode(), text.encode(), b'"}]}')
        for each in lists
        for text in ("aaaa", "aaa!", "aa\\/")
    }
    return {
        **of_lists,
        **of_texts,
        **entries,
        "deep lists": (b"", b"[", b""),
        "deep objects": (b"", b'{"a":', b""),
        "keys": (b"{", b'"a":"b",', b'"c":"d"}'),
        "digits": (b'{"x":', b"1", b"}"),
        "spaces": (b"{", b" ", b"}"),
    }


def filled(start: bytes, item: bytes, end: bytes, size: int) -> bytes:
    """Return what is so long, as far as whole items go."""
    return start + item * ((size - len(start) - len(end)) // len(item)) + end


def queries(operation: Operation) -> Iterator[str]:
    """Yield the longest lists in the address."""
    for name in operation.listed:
        for item in ("a,", f"{UUID(int=5)},"):
            yield f"?{name}={(LONGEST_QUERY // len(item)) * item}"


def bytes_grown(act: Callable[[], object], *, pid: int | str = "self") -> int:
    """Return by how many bytes of memory a process grew at most while that was done."""
    folder = Path("/proc") / str(pid)
    (folder / "clear_refs").write_text("5")  # forgets the most that it had
    before = _kibibytes(folder, "VmRSS")
    act()
    return 1024 * (_kibibytes(folder, "VmHWM") - before)


def _kibibytes(folder: Path, name: str) -> int:
    lines = (folder / "status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
