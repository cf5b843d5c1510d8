"""Rows into PostgreSQL by COPY in its binary form: pictures and vectors go as they are, nothing is quoted or parsed.

As text, 4 MiB of photo cost the server 0.1 s, and a vector a tenth of what it cost to compute.
"""

import io
import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import numpy as np
from django.db import connection
from numpy.typing import NDArray

Value: TypeAlias = int | str | bytes | datetime | NDArray[np.float32] | None
"""For a column of type bigint, text or varchar, bytea, timestamptz, vector, or any that may be NULL."""
_BEGIN = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_NULL = struct.pack(">i", -1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
    """Insert these rows; table and columns are names of ours, never input."""
    written = io.BytesIO()
    written.write(_BEGIN)
    for row in rows:
        written.write(struct.pack(">h", len(row)))
        for value in row:
            written.write(_field(value))
    written.write(_END)
    written.seek(0)
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)", written)


def _field(value: Value) -> bytes:
    if value is None:
        return _NULL
    content = _content(value)
    return struct.pack(">i", len(content)) + content


def _content(value: int | str | bytes | datetime | NDArray[np.float32]) -> bytes:
    match value:
        case bytes():
            return value
        case str():
            return value.encode()
        case int():
            return struct.pack(">q", value)
        case datetime():
            return struct.pack(">q", (value - _EPOCH) // timedelta(microseconds=1))
        case _:
            return struct.pack(">hh", len(value), 0) + value.astype(">f4").tobytes()
