"""Rows that every request asks for, kept until PostgreSQL says that they may have changed.

Triggers tell every connection that listens, as soon as a change is committed: see the migrations. To see whether
anything was told takes a look at the connection's socket, a hundredth of a statement. See docs/decisions/0013.
"""

import select
import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

import psycopg2
from django.db import connection

Value = TypeVar("Value")

CHANNEL = "classifr_rows_changed"
TRUSTED_S = 5.0
"""How long anything is kept at most: a broken network swallows what PostgreSQL tells."""
_MOST = 1024


class _Kept(threading.local):
    """What was read by the connection of this thread since it was last told of a change."""

    def __init__(self) -> None:
        self.session: Any = None  # psycopg2's connection, which listens
        self.rows: dict[Hashable, object] = {}
        self.until = 0.0

    def forget(self) -> None:
        self.rows = {}
        self.until = time.monotonic() + TRUSTED_S


_kept = _Kept()


def cached(key: Hashable, read: Callable[[], Value | None]) -> Value | None:
    """Return what `read` finds in the rows of keys, projects and iterations, without asking again until these change.

    Only these tables have the trigger. That nothing was found is not kept. In a transaction all is read again: it may
    have changed rows itself, and is told nothing before its end. Requests of the same thread share what is returned, so
    nobody changes it.
    """
    if connection.in_atomic_block or not _is_listening():
        return read()
    if key not in _kept.rows:
        found = read()
        if found is None:
            return None
        if len(_kept.rows) == _MOST:
            _kept.forget()
        _kept.rows[key] = found
    return cast(Value, _kept.rows[key])


def _is_listening() -> bool:
    """Say whether this thread's connection listens, and forget what may have changed. False: it is lost."""
    if _kept.session is None or _kept.session is not connection.connection:
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
        _kept.session = connection.connection
        _kept.forget()
        return True
    try:
        is_told = _is_told(_kept.session)
    except psycopg2.Error:  # the server is gone, or has closed it; Django connects anew
        _kept.session = None
        return False
    if is_told or time.monotonic() > _kept.until:
        _kept.forget()
    return True


def _is_told(session: Any) -> bool:
    """Say whether PostgreSQL has told of a change, by itself or with another answer. Raises psycopg2.Error."""
    poller = select.poll()
    poller.register(session, select.POLLIN)
    while poller.poll(0):  # a server that closes says why first; only then the end is found, and raised
        session.poll()
    is_told = bool(session.notifies)
    session.notifies.clear()
    return is_told
